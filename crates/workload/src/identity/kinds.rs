//! The keys of several kinds of documents.

use demo_formats::schema::FieldPath;

use super::IdentityError;

/// The key of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindKeys(pub Vec<(String, Vec<FieldPath>)>);

impl KindKeys {
    /// Where a document says of which kind it is.
    pub const KIND: &str = "kind";

    pub(super) fn kind() -> FieldPath {
        FieldPath(vec![Self::KIND.to_owned()])
    }

    /// The kind, and then each field that is in the key of any.
    pub(super) fn fields(&self) -> Vec<FieldPath> {
        let mut fields = vec![Self::kind()];
        for field in self.0.iter().flat_map(|(_, key)| key) {
            if !fields.contains(field) {
                fields.push(field.clone());
            }
        }
        fields
    }

    /// The kind, and then the fields of a kind's key.
    pub(super) fn fields_of(&self, kind: &str) -> Result<Vec<FieldPath>, IdentityError> {
        let known = self.0.iter().find(|(name, _)| name == kind);
        let (_, key) = known.ok_or_else(|| IdentityError::UnknownKind(kind.to_owned()))?;
        Ok([Self::kind()].into_iter().chain(key.iter().cloned()).collect())
    }

    /// Those of the values of all fields that a document of a kind goes by.
    pub(super) fn of_kind<'v, V>(&self, kind: &str, values: &'v [V]) -> Result<Vec<(FieldPath, &'v V)>, IdentityError> {
        let all = self.fields();
        let value = |field: FieldPath| {
            let position = all.iter().position(|one| *one == field);
            let value = position.and_then(|position| values.get(position));
            value.map(|value| (field.clone(), value)).ok_or(IdentityError::Missing(field))
        };
        self.fields_of(kind)?.into_iter().map(value).collect()
    }

    pub(super) fn with(&self, field: &FieldPath) -> Option<Vec<&str>> {
        let with: Vec<&str> =
            self.0.iter().filter(|(_, key)| key.contains(field)).map(|(name, _)| name.as_str()).collect();
        (*field != Self::kind() && with.len() < self.0.len()).then_some(with)
    }
}
