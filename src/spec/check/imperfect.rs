//! The checks of `load.imperfect`: how many documents have which flaw, and whether it is known where they end.

use super::{
    super::{
        file::{AmountFile, FieldAmountFile, FieldAmountMap, ImperfectFile, ShareText},
        imperfect::{Amount, FLAWS, Flaw, Imperfect},
        quantity::{self, Refusal},
        schedule::Schedule,
    },
    values::Check,
};
use crate::deliveries::spec::Deliver;

const PATH: &str = "load.imperfect";
/// Of all documents, the imperfect ones together.
const MOST: f64 = 0.5;

impl Check<'_> {
    /// None where something is wrong, no imperfect documents where nothing is written.
    pub(super) fn imperfect(
        &mut self,
        file: Option<&ImperfectFile>,
        schedule: Option<&Schedule>,
        deliver: Option<&Deliver>,
    ) -> Option<Option<Imperfect>> {
        let Some(file) = file else { return (!self.written(PATH)).then_some(None) };
        let before = self.complaints();
        let ImperfectFile { seed, duplicates, malformed, wrong_type, missing, unknown, oversize, empty } = file;
        let mut imperfect = Imperfect { seed: seed.unwrap_or(1), amounts: Vec::new(), wrong_type: None, missing: None };
        for flaw in FLAWS {
            let amount = match flaw {
                Flaw::Duplicates => duplicates.as_ref().map(|amount| self.amount(flaw, amount)),
                Flaw::Malformed => malformed.as_ref().map(|amount| self.amount(flaw, amount)),
                Flaw::Unknown => unknown.as_ref().map(|amount| self.amount(flaw, amount)),
                Flaw::Oversize => oversize.as_ref().map(|amount| self.amount(flaw, amount)),
                Flaw::Empty => empty.as_ref().map(|amount| self.amount(flaw, amount)),
                Flaw::WrongType => {
                    wrong_type.as_ref().map(|file| self.amount_of_field(flaw, file, &mut imperfect.wrong_type))
                }
                Flaw::Missing => missing.as_ref().map(|file| self.amount_of_field(flaw, file, &mut imperfect.missing)),
            };
            if let Some(amount) = amount.flatten() {
                imperfect.amounts.push((flaw, amount));
                self.end(flaw, deliver);
            }
        }
        self.not_too_many(&imperfect, schedule);
        (self.complaints() == before).then(|| Some(imperfect).filter(|imperfect| !imperfect.amounts.is_empty()))
    }

    fn amount(&mut self, flaw: Flaw, amount: &AmountFile) -> Option<Amount> {
        match amount {
            AmountFile::Count(count) => Some(Amount::Count(*count)),
            AmountFile::Share(share) => self.share_of(&format!("{PATH}.{flaw}"), share),
        }
    }

    fn amount_of_field(&mut self, flaw: Flaw, file: &FieldAmountFile, named: &mut Option<String>) -> Option<Amount> {
        let path = format!("{PATH}.{flaw}");
        match file {
            FieldAmountFile::Count(count) => Some(Amount::Count(*count)),
            FieldAmountFile::Share(share) => self.share_of(&path, share),
            FieldAmountFile::Field(FieldAmountMap { share, count, field }) => {
                named.clone_from(field);
                let expected = "either `share`, such as `0.5%`, or `count`";
                match self.one_of(&path, &["share", "count"], "how many documents there are", expected)? {
                    "share" => self.share_of(&format!("{path}.share"), share.as_ref()?),
                    _ => count.map(Amount::Count),
                }
            }
        }
    }

    fn share_of(&mut self, path: &str, share: &ShareText) -> Option<Amount> {
        self.keep(path, quantity::share(&share.0)).map(Amount::Share)
    }

    /// Refuses a flaw whose documents end nobody knows where.
    fn end(&mut self, flaw: Flaw, deliver: Option<&Deliver>) {
        // What the producer refuses comes nowhere.
        for (name, end) in deliver.filter(|_| flaw != Flaw::Oversize).map(|to| to.ends_of(flaw)).unwrap_or_default() {
            if let Err(Refusal { problem, expected, suggestion }) = end {
                let problem = format!("`deliver.{name}`: {problem}");
                self.refuse_key(&format!("{PATH}.{flaw}"), Refusal { problem, expected, suggestion });
            }
        }
    }

    fn not_too_many(&mut self, imperfect: &Imperfect, schedule: Option<&Schedule>) {
        let Some(schedule) = schedule else { return };
        let documents = schedule.documents().filter(|documents| *documents > 0);
        let mut all = 0.0;
        for (flaw, amount) in &imperfect.amounts {
            all += match (amount, documents) {
                (Amount::Share(share), _) => *share,
                (Amount::Count(count), Some(documents)) => *count as f64 / documents as f64,
                (Amount::Count(_), None) => {
                    let problem = "nobody knows how many documents there will be, so that some of them could be chosen";
                    self.refuse(&format!("{PATH}.{flaw}"), Refusal::new(problem, "a share, such as `0.5%`"));
                    return;
                }
            };
        }
        if all > MOST {
            let problem = format!("{:.0} % of the documents would be imperfect", (all * 100.0).ceil());
            self.refuse_key(PATH, Refusal::new(problem, "at most half of all documents"));
        }
    }
}
