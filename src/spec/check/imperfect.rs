//! The checks of `load.imperfect`: how many documents have which flaw, and whether it is known where they end.

use std::time::Duration;

use super::{
    super::{
        file::{
            AmountFile, DelayAmountFile, DelayAmountMap, FieldAmountFile, FieldAmountMap, ImperfectFile, ShareText,
            Time,
        },
        imperfect::{Amount, FLAWS, Flaw, Imperfect},
        load::Workload,
        quantity::{self, Refusal},
        schedule::Schedule,
    },
    values::Check,
};
use crate::deliveries::spec::Deliver;

const PATH: &str = "load.imperfect";
/// Of all documents, the imperfect ones together.
const MOST: f64 = 0.5;
const LATE_BY: Duration = Duration::from_secs(60);
const OUT_OF_ORDER_BY: Duration = Duration::from_secs(5);
const LONGEST_DELAY: Duration = Duration::from_secs(30 * 86_400);

impl Check<'_> {
    /// None where something is wrong, no imperfect documents where nothing is written.
    pub(super) fn imperfect(
        &mut self,
        file: Option<&ImperfectFile>,
        (workload, schedule): (Option<&Workload>, Option<&Schedule>),
        deliver: Option<&Deliver>,
    ) -> Option<Option<Imperfect>> {
        let Some(file) = file else { return (!self.written(PATH)).then_some(None) };
        let before = self.complaints();
        let mut imperfect = Imperfect {
            seed: file.seed.unwrap_or(1),
            amounts: Vec::new(),
            late_by: LATE_BY,
            out_of_order_by: OUT_OF_ORDER_BY,
            wrong_type: None,
            missing: None,
        };
        for flaw in FLAWS {
            if let Some(amount) = self.amount_in(file, flaw, &mut imperfect) {
                imperfect.amounts.push((flaw, amount));
                self.end(flaw, deliver);
                self.has_event_times(flaw, workload);
            }
        }
        self.not_too_many(&imperfect, schedule);
        (self.complaints() == before).then(|| Some(imperfect).filter(|imperfect| !imperfect.amounts.is_empty()))
    }

    /// How many documents have a flaw, and what more the file says of it.
    fn amount_in(&mut self, file: &ImperfectFile, flaw: Flaw, imperfect: &mut Imperfect) -> Option<Amount> {
        match flaw {
            Flaw::Duplicates => self.amount(flaw, file.duplicates.as_ref()?),
            Flaw::Malformed => self.amount(flaw, file.malformed.as_ref()?),
            Flaw::Unknown => self.amount(flaw, file.unknown.as_ref()?),
            Flaw::Oversize => self.amount(flaw, file.oversize.as_ref()?),
            Flaw::Empty => self.amount(flaw, file.empty.as_ref()?),
            Flaw::Late => self.delayed(flaw, file.late.as_ref()?, &mut imperfect.late_by),
            Flaw::OutOfOrder => self.delayed(flaw, file.out_of_order.as_ref()?, &mut imperfect.out_of_order_by),
            Flaw::WrongType => self.amount_of_field(flaw, file.wrong_type.as_ref()?, &mut imperfect.wrong_type),
            Flaw::Missing => self.amount_of_field(flaw, file.missing.as_ref()?, &mut imperfect.missing),
        }
    }

    fn amount(&mut self, flaw: Flaw, amount: &AmountFile) -> Option<Amount> {
        match amount {
            AmountFile::Count(count) => Some(Amount::Count(*count)),
            AmountFile::Share(share) => self.share_of(&format!("{PATH}.{flaw}"), share),
        }
    }

    fn delayed(&mut self, flaw: Flaw, file: &DelayAmountFile, delay: &mut Duration) -> Option<Amount> {
        let path = format!("{PATH}.{flaw}");
        match file {
            DelayAmountFile::Count(count) => Some(Amount::Count(*count)),
            DelayAmountFile::Share(share) => self.share_of(&path, share),
            DelayAmountFile::Delay(DelayAmountMap { share, count, by }) => {
                if let Some(by) = by {
                    *delay = self.delay(&format!("{path}.by"), by)?;
                }
                self.share_or_count(&path, share.as_ref(), *count)
            }
        }
    }

    fn delay(&mut self, path: &str, by: &Time) -> Option<Duration> {
        let delay = self.time(path, by, "s")?;
        if (Duration::from_millis(1)..=LONGEST_DELAY).contains(&delay) {
            return Some(delay);
        }
        self.refuse(
            path,
            Refusal::new(format!("an event time cannot be back by {}", by.0), "1ms to 30d, such as `5m`"),
        );
        None
    }

    /// Refuses a flaw of event times where there are none.
    fn has_event_times(&mut self, flaw: Flaw, workload: Option<&Workload>) {
        if matches!(flaw, Flaw::Late | Flaw::OutOfOrder) && workload.is_some_and(|workload| !workload.has_event_times())
        {
            let problem = "the documents have no event time";
            let expected = "a `template` or `mix` that uses `now` or `now_ms`, or no such key";
            self.refuse_key(&format!("{PATH}.{flaw}"), Refusal::new(problem, expected));
        }
    }

    fn share_or_count(&mut self, path: &str, share: Option<&ShareText>, count: Option<u64>) -> Option<Amount> {
        let expected = "either `share`, such as `0.5%`, or `count`";
        match self.one_of(path, &["share", "count"], "how many documents there are", expected)? {
            "share" => self.share_of(&format!("{path}.share"), share?),
            _ => count.map(Amount::Count),
        }
    }

    fn amount_of_field(&mut self, flaw: Flaw, file: &FieldAmountFile, named: &mut Option<String>) -> Option<Amount> {
        let path = format!("{PATH}.{flaw}");
        match file {
            FieldAmountFile::Count(count) => Some(Amount::Count(*count)),
            FieldAmountFile::Share(share) => self.share_of(&path, share),
            FieldAmountFile::Field(FieldAmountMap { share, count, field }) => {
                named.clone_from(field);
                self.share_or_count(&path, share.as_ref(), *count)
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
                    let problem = "the number of documents is not known beforehand";
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
