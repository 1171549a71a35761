//! Serves the stand-in: `demo local serve --folder FOLDER [--background by-hand|for-stack]`.

use std::{path::PathBuf, process::ExitCode};

use kinesis_demo::local::daemon::{Started, serve};

#[tokio::main]
async fn main() -> ExitCode {
    let (mut folder, mut background) = (None, None);
    let mut arguments = std::env::args().skip(3);
    while let (Some(flag), Some(value)) = (arguments.next(), arguments.next()) {
        match flag.as_str() {
            "--folder" => folder = Some(PathBuf::from(value)),
            "--background" => background = value.parse::<Started>().ok(),
            _ => return ExitCode::from(2),
        }
    }
    let Some(folder) = folder else { return ExitCode::from(2) };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    match serve(&folder, background).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}
