//! A stack that another machine created, taken over by its journal's mirror.

use std::{fs, io, path::Path, sync::Arc};

use chrono::Utc;

use super::{
    entry::{Entry, Fingerprint},
    home::Home,
    id::StackId,
    journal::{self, Journal, JournalError},
    mirror::{Mirror, MirrorError},
    state::State,
};

/// Takes a stack over: its journal, as it lies in the mirror, into this state folder, and the mirror for this machine.
/// A journal that is here and says otherwise is set aside.
///
/// `asked` is the stack's id or its name, `here` where this machine acts.
pub async fn take_over(
    home: &Home,
    asked: &str,
    here: &Fingerprint,
    mirror: Arc<dyn Mirror>,
) -> Result<Journal, JournalError> {
    let place = mirror.title();
    let found = mirror.get().await;
    let found = found.map_err(|why| MirrorError::Call { place: place.clone(), why: Box::new(why) })?;
    let text = found.ok_or_else(|| MirrorError::Empty { place: place.clone() })?.text;
    let state = journal::parse(Path::new(&place), &text)?;
    let id = fits(&state, asked, here, place)?;
    bring_in(&home.journal(&id), &text)?;
    let journal = Journal::open(home, &id)?;
    journal.reflect_in(mirror);
    let text = format!("taken over by process {} of another machine", std::process::id());
    journal.record(Entry::Note { text })?;
    journal.reflect().await?;
    Ok(journal)
}

/// The journal of a stack as it lies in the mirror; nothing is changed here or there.
///
/// `asked` is the stack's id or its name, `here` where this machine acts.
pub async fn read(asked: &str, here: &Fingerprint, mirror: &dyn Mirror) -> Result<State, JournalError> {
    let place = mirror.title();
    let found = mirror.get().await;
    let found = found.map_err(|why| MirrorError::Call { place: place.clone(), why: Box::new(why) })?;
    let text = found.ok_or_else(|| MirrorError::Empty { place: place.clone() })?.text;
    let state = journal::parse(Path::new(&place), &text)?;
    fits(&state, asked, here, place)?;
    Ok(state)
}

/// The id of the stack, if it is the one that is meant.
fn fits(state: &State, asked: &str, here: &Fingerprint, place: String) -> Result<StackId, MirrorError> {
    let (Some(id), Some(opened)) = (state.id(), state.opened()) else { return Err(MirrorError::Empty { place }) };
    if id.as_str() != asked && id.name() != asked {
        return Err(MirrorError::Another { place, found: id.to_string(), asked: asked.to_owned() });
    }
    if opened.target != *here {
        let (lives, here) = (Box::new(opened.target.clone()), Box::new(here.clone()));
        return Err(MirrorError::Elsewhere { place, lives, here });
    }
    Ok(id.clone())
}

/// Makes a journal here begin with that text.
fn bring_in(path: &Path, text: &[u8]) -> Result<(), JournalError> {
    let io = |source| JournalError::Io { path: path.to_owned(), source };
    match fs::read(path) {
        Ok(known) if known.starts_with(text) => return Ok(()),
        Ok(known) if text.starts_with(&known) => {}
        Ok(_) => {
            let aside = format!("before-{}", Utc::now().format("%Y%m%dT%H%M%SZ"));
            fs::rename(path, path.with_extension(aside)).map_err(io)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    let folder = path.parent().expect("a journal lies in its stack's folder");
    let fresh = path.with_extension("fresh");
    fs::create_dir_all(folder).and_then(|()| fs::write(&fresh, text)).map_err(io)?;
    fs::rename(&fresh, path).map_err(io)
}

#[cfg(test)]
mod tests;
