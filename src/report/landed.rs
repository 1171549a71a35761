//! What was found in the destinations, and its fields in the JSON of a run.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    deliveries::DESTINATIONS,
    verify::{Destination, Verification},
};

/// Distinct documents found in one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Where.
    pub destination: Destination,
    /// How many.
    pub documents: u64,
    /// How many SQL counts through the catalog, where there is one.
    pub by_sql: Option<u64>,
}

/// What was found, destination by destination. As JSON it has the fields of every destination, null where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LandedDocuments(pub Vec<Landed>);

impl LandedDocuments {
    /// What a verification found.
    pub fn of(verification: &Verification) -> Self {
        let landed = |destination: Destination| {
            let documents = verification.landed_in(destination)?;
            Some(Landed { destination, documents, by_sql: verification.landed_by_sql(destination) })
        };
        Self(DESTINATIONS.into_iter().filter_map(landed).collect())
    }

    /// Whether SQL counts as many as were read, wherever both were done.
    pub fn agree(&self) -> bool {
        self.0.iter().all(|landed| landed.by_sql.is_none_or(|by_sql| by_sql == landed.documents))
    }

    /// The fields in JSON, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, Option<u64>)> {
        DESTINATIONS.into_iter().flat_map(|destination| {
            let landed = self.0.iter().find(|landed| landed.destination == destination);
            let documents = (destination.field, landed.map(|landed| landed.documents));
            let by_sql = destination.sql_field.map(|field| (field, landed.and_then(|landed| landed.by_sql)));
            [Some(documents), by_sql].into_iter().flatten()
        })
    }
}

/// Where a destination was not searched, its fields are null. Fields of other things are passed over.
impl<'de> Deserialize<'de> for LandedDocuments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields: HashMap<String, serde_json::Value> = HashMap::deserialize(deserializer)?;
        let count = |field: &str| fields.get(field).and_then(serde_json::Value::as_u64);
        let landed = |destination: Destination| {
            let documents = count(destination.field)?;
            Some(Landed { destination, documents, by_sql: destination.sql_field.and_then(count) })
        };
        Ok(Self(DESTINATIONS.into_iter().filter_map(landed).collect()))
    }
}

impl Serialize for LandedDocuments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields())
    }
}
