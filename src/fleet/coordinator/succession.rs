//! Which workers of a load have ended, and who goes on with their parts.

use futures::{StreamExt, TryStreamExt, stream};

use super::{AT_A_TIME, Coordinator, FleetError, MOST_GENERATIONS};
use crate::fleet::{
    event::{FleetEvent, Tell},
    last_words::{LastWords, last_words},
    message::{Ended, Finished, Stage},
    seat::End,
};

impl Coordinator {
    /// Finds out which workers have ended, in order or not, and has others go on with what is left of their parts.
    pub(super) async fn bury(&mut self, tell: Tell<'_>) -> Result<(), FleetError> {
        let ended = self.ended();
        let words = ended.iter().map(|(index, _)| last_words(&*self.place, &*self.launcher, self.parts[*index].seat));
        let words: Vec<_> = stream::iter(words.collect::<Vec<_>>()).buffered(AT_A_TIME).try_collect().await?;
        let mut vacant = Vec::new();
        for ((index, how), words) in ended.into_iter().zip(words) {
            vacant.extend(self.take(index, how, words, tell).map(|how| (index, how)));
        }
        if self.failed.is_some() {
            return self.end_all().await;
        }
        let failed = self.seat(vacant.iter().map(|(index, _)| *index).collect()).await?;
        for (index, source) in failed {
            let how = vacant.iter().find(|(vacant, _)| *vacant == index).map_or("", |(_, how)| how.as_str());
            self.give_up(index, &format!("{how}; {source}"), tell);
        }
        Ok(())
    }

    /// The parts whose workers are gone, or say that they have ended, with how, where it is not in order.
    fn ended(&mut self) -> Vec<(usize, Option<String>)> {
        let (lease, starts_within) = (self.pulse.lease, self.launcher.starts_within());
        let live = self.parts.iter_mut().enumerate().filter(|(_, part)| part.end.is_none());
        let ended = live.filter_map(|(index, part)| {
            let gone = part.running.as_mut().and_then(|running| running.ended());
            let gone = gone.or_else(|| part.is_silent(lease, starts_within));
            // Before its log is read: it writes no more.
            if let Some(mut running) = part.running.take_if(|_| gone.is_some()) {
                running.kill();
            }
            (gone.is_some() || part.stage() == Stage::Ended).then_some((index, gone))
        });
        ended.collect()
    }

    /// Takes what a worker came to. Says how it ended, if another is to have its part.
    fn take(&mut self, index: usize, how: Option<String>, words: LastWords, tell: Tell<'_>) -> Option<String> {
        let LastWords { status, log, ended } = words;
        if ended.is_none() && how.is_none() {
            return None;
        }
        let part = &mut self.parts[index];
        part.hear(status);
        match log {
            Ok(log) => part.log = log.or(part.log.take()),
            Err(error) => self.problems.push(error.to_string()),
        }
        if let Some(mut running) = self.parts[index].running.take() {
            running.kill();
        }
        match (ended, how) {
            (Some(Ended::Finished(finished)), _)
                if finished.load.cancelled && !self.is_over() && self.may_go_on(index) =>
            {
                Some(self.hand_on(index, *finished, tell))
            }
            (Some(Ended::Finished(finished)), _) => {
                self.parts[index].end = Some(End::Finished(finished));
                None
            }
            (Some(Ended::Failed(why)), _) => {
                let part = &mut self.parts[index];
                part.end = Some(End::Failed);
                self.failed.get_or_insert(FleetError::Worker { part: part.seat.part, why });
                None
            }
            (None, how) => self.lose(index, how.unwrap_or_default(), tell),
        }
    }

    /// A worker was told to end by somebody else, and did so in order: another goes on with its part.
    fn hand_on(&mut self, index: usize, finished: Finished, tell: Tell<'_>) -> String {
        let part = &mut self.parts[index];
        tell(FleetEvent::Warning(&format!("worker {} was told to end; another goes on with its part", part.seat)));
        self.problems.extend(finished.problems);
        part.leave(finished.load);
        "told to end".to_owned()
    }

    /// Whether no more is to be offered.
    fn is_over(&self) -> bool {
        self.is_ending || self.is_stopped || self.failed.is_some()
    }

    /// Whether a part has documents left, and not too many workers had it.
    fn may_go_on(&self, index: usize) -> bool {
        let part = &self.parts[index];
        part.done().count() < part.len() && part.seat.generation < MOST_GENERATIONS
    }

    /// A worker is dead: another finishes its part, unless the load is to end anyway or too many had it.
    fn lose(&mut self, index: usize, how: String, tell: Tell<'_>) -> Option<String> {
        let part = &mut self.parts[index];
        let (seat, done) = (part.seat, part.done());
        if done.count() >= part.len() {
            let warning = format!("worker {seat} ended ({how}) when all that it had was acknowledged");
            part.lose(&how);
            tell(FleetEvent::Warning(&warning));
            return None;
        }
        if self.is_over() || !self.may_go_on(index) {
            let why = if self.is_over() { "while the load was ending" } else { "as others had before it" };
            self.give_up(index, &format!("{how}, {why}"), tell);
            return None;
        }
        let next = done.all().first_missing(self.parts[index].documents.start);
        let warning = format!("worker {seat} ended ({how}); another goes on from document {next} of the run");
        tell(FleetEvent::Warning(&warning));
        self.parts[index].vacate(&how);
        Some(how)
    }

    /// Nobody is to have a part any more.
    fn give_up(&mut self, index: usize, why: &str, tell: Tell<'_>) {
        let part = &mut self.parts[index];
        let (seat, missing) = (part.seat, part.lose(why));
        let problem =
            format!("worker {seat} ended ({why}): {missing} of its {} documents were not offered", part.len());
        tell(FleetEvent::Warning(&problem));
        self.problems.push(problem);
    }
}
