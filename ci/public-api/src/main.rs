//! Prints the public API that a file of rustdoc's JSON describes, without what every type has and what is derived.

use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    let json = env::args().nth(1).ok_or("the first argument is a file of rustdoc's JSON")?;
    let builder = public_api::Builder::from_rustdoc_json(json).omit_blanket_impls(true).omit_auto_trait_impls(true);
    print!("{}", builder.omit_auto_derived_impls(true).build()?);
    Ok(())
}
