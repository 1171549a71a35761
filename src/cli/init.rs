//! `demo init`: writes a commented stack file for the user's own documents, from flags or from answers on a terminal.

mod documents;
mod text;

use std::{
    fs::{self, OpenOptions},
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use self::documents::Own;
use super::{
    Over, StackFile, context, errors,
    exit::{Exit, Stop},
    screen::Screen,
};
use crate::{
    operations::budget,
    spec::{self, quantities},
};

/// The workgroup that the stand-in has.
const STAND_IN_WORKGROUP: &str = "demo";

/// Arguments of `demo init`.
#[derive(Args, Debug)]
pub struct Init {
    /// Stack file to write; NAME.yaml by default. An existing file is never overwritten.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Stem of the stack's names.
    #[arg(long, value_parser = spec::stack_name)]
    name: Option<String>,
    /// Your documents: a file with one JSON object a line, or a template; a sample template by default.
    #[arg(long, value_name = "FILE")]
    documents: Option<PathBuf>,
    /// Fields that identify a document, for example id or order.number,line; the whole document by default.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    key: Option<Vec<String>>,
    /// Where to deliver: any of s3, redshift and dynamodb, or none.
    #[arg(long, value_name = "DESTINATIONS", value_delimiter = ',', value_enum)]
    deliver: Option<Vec<To>>,
    /// Redshift Serverless workgroup to deliver to; the stand-in has `demo`.
    #[arg(long, value_name = "NAME")]
    workgroup: Option<String>,
    /// Documents a second.
    #[arg(long, value_parser = quantities::open_rate)]
    rate: Option<f64>,
    /// How long to send.
    #[arg(long, value_parser = quantities::time)]
    duration: Option<Duration>,
    /// AWS region to run in; the stand-in on this machine by default.
    #[arg(long, value_parser = spec::region)]
    region: Option<String>,
    /// What a run may cost at most, for example $5.
    #[arg(long, value_name = "DOLLARS", value_parser = quantities::dollars)]
    budget: Option<f64>,
}

/// A destination of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// S3, with a Glue table.
    S3,
    /// A Redshift table.
    Redshift,
    /// A DynamoDB table.
    Dynamodb,
    /// Nowhere: the stream itself is read.
    None,
}

/// What the stack file is to say.
#[derive(Debug)]
struct Answers {
    name: String,
    own: Own,
    key: Vec<String>,
    deliver: Vec<To>,
    workgroup: String,
    rate: f64,
    duration: Duration,
    region: Option<String>,
    budget: Option<f64>,
}

impl Init {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let file = self.file.clone();
        let answers = self.answers(screen)?;
        let file = file.unwrap_or_else(|| PathBuf::from(format!("{}.yaml", answers.name)));
        let is_beside = file.parent().is_none_or(|folder| folder.as_os_str().is_empty());
        create(&file, &text::of(&answers, is_beside))?;
        if let Err(error) = validate(&file, screen).await {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
            return Err(error.context(Stop::usage(format!("{} would not be valid, and was not kept", file.display()))));
        }
        let file = file.display();
        context::print(&format!("wrote {file}\n"))?;
        screen.line(&format!("try it with `demo run {file} --rm`"));
        Ok(Exit::Fine)
    }

    /// From flags; what they leave open is asked for on a terminal, and has its default elsewhere.
    fn answers(self, screen: &Screen) -> anyhow::Result<Answers> {
        let asks = Asks { screen, is_asked: io::stdin().is_terminal() && io::stderr().is_terminal() };
        let name = asks.or("Name of the stack", "my-stack", self.name, spec::stack_name)?;
        let documents = asks.or_none(
            "Your documents: a file with a JSON object a line, or a template (none for a sample template)",
            self.documents,
            |text| Ok(PathBuf::from(text)),
        )?;
        let own = Own::read(documents)?;
        let fields = |text: &str| Ok(listed(text));
        let suggested = own.likely_key().unwrap_or_default();
        let key = asks.or("Fields that identify a document", &suggested, self.key, fields)?;
        let deliver = asks.or("Deliver to s3, redshift, dynamodb, or none", "s3", self.deliver, destinations)?;
        let region = asks.or_none("AWS region (none for the stand-in on this machine)", self.region, spec::region)?;
        let workgroup = match (self.workgroup, deliver.contains(&To::Redshift), &region) {
            (Some(workgroup), ..) => workgroup,
            (None, true, Some(_)) if !asks.is_asked => {
                return Err(
                    Stop::usage("name the Redshift Serverless workgroup to deliver to: --workgroup NAME").into()
                );
            }
            (None, true, Some(_)) => asks.or("Redshift Serverless workgroup", "", None, given)?,
            (None, ..) => STAND_IN_WORKGROUP.to_owned(),
        };
        let rate = asks.or("Documents a second", "100/s", self.rate, quantities::open_rate)?;
        let duration = asks.or("For how long", "30s", self.duration, quantities::time)?;
        let budget = match region.is_some() || self.budget.is_some() {
            true => asks.or_none(
                "What a run may cost at most, such as $5 (none for no limit)",
                self.budget,
                quantities::dollars,
            )?,
            false => None,
        };
        Ok(Answers { name, own, key, deliver, workgroup, rate, duration, region, budget })
    }
}

/// Asks on a terminal, if there is one.
struct Asks<'a> {
    screen: &'a Screen,
    is_asked: bool,
}

impl Asks<'_> {
    /// What a flag says, else the answer, else what is taken by default.
    fn or<T>(
        &self,
        question: &str,
        otherwise: &str,
        flag: Option<T>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        if let Some(flag) = flag {
            return Ok(flag);
        }
        loop {
            let answer = if self.is_asked { self.screen.ask(question, otherwise)? } else { otherwise.to_owned() };
            match parse(&answer) {
                Ok(answer) => return Ok(answer),
                Err(why) if self.is_asked => self.screen.error(&why),
                Err(why) => return Err(Stop::usage(why).into()),
            }
        }
    }

    /// [`Asks::or`], where an empty answer is one too.
    fn or_none<T>(
        &self,
        question: &str,
        flag: Option<T>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<Option<T>> {
        self.or(question, "", flag.map(Some), |text| match text {
            "" | "none" => Ok(None),
            text => parse(text).map(Some),
        })
    }
}

fn listed(text: &str) -> Vec<String> {
    text.split(',').map(|field| field.trim().to_owned()).filter(|field| !field.is_empty()).collect()
}

fn destinations(text: &str) -> Result<Vec<To>, String> {
    listed(text).iter().map(|name| To::from_str(name, true)).collect()
}

fn given(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("a name is needed".to_owned()) } else { Ok(text.to_owned()) }
}

/// Writes a file that is not there yet.
fn create(file: &Path, text: &str) -> anyhow::Result<()> {
    let created = OpenOptions::new().write(true).create_new(true).open(file);
    match created {
        Ok(mut created) => {
            created.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", file.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let problem = format!(
                "{} exists already, and is not overwritten; name another file: `demo init FILE`",
                file.display()
            );
            Err(Stop::usage(problem).into())
        }
        Err(error) => Err(Stop::usage(format!("cannot create {}: {error}", file.display())).into()),
    }
}

/// Checks what was written as `demo validate` does.
async fn validate(file: &Path, screen: &Screen) -> anyhow::Result<()> {
    let checked = context::read(&StackFile { file: file.to_owned(), over: Over::default() }, screen)?;
    let documents = super::documents::check(&checked.stack, screen).await?;
    budget::refuse_small(&checked.stack, &documents).await.map_err(errors::budget)
}
