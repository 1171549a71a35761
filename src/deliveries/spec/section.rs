//! What the checks ask of every delivery.

use crate::spec::{
    imperfect::{End, Flaw},
    names::Name,
    quantity::Refusal,
};

/// A delivery as a stack file describes it.
pub(crate) trait Section {
    /// The name that it gives the bucket, which all deliveries share.
    fn bucket(&self) -> Option<&Name> {
        None
    }

    /// Where in the bucket it writes whatever the stack file says.
    fn fixed_prefixes(&self) -> Vec<OwnedPrefix<'_>> {
        Vec::new()
    }

    /// Where in the bucket it writes because the stack file says so.
    fn prefixes(&self) -> Vec<OwnedPrefix<'_>> {
        Vec::new()
    }

    /// Where documents with a flaw end that the stream takes.
    ///
    /// # Errors
    /// It is not known, or what came of it would be no demo.
    fn end_of(&self, flaw: Flaw) -> Result<End, Refusal>;

    /// The fields at the top of documents that it needs as they are.
    fn fields(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// A prefix of keys in the bucket, and whose objects lie under it.
pub(crate) struct OwnedPrefix<'a> {
    /// Those of one owner may overlap.
    pub(crate) owner: &'static str,
    /// The spec's key; none for what is not the user's to say.
    pub(crate) path: &'static str,
    /// How its keys begin.
    pub(crate) key: &'a str,
}

/// That of a delivery, if the stack file has it.
pub(super) fn of<D: Section>(delivery: &Option<D>) -> Option<&dyn Section> {
    delivery.as_ref().map(|delivery| delivery as &dyn Section)
}
