//! `budget` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

/// an amount of US dollars, such as `$5`, or `{limit: $5, then: down}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::spec) enum BudgetFile {
    Dollars(DollarsText),
    Map(BudgetMap),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::spec) struct BudgetMap {
    /// What a run may cost at most, by an estimate.
    #[schemars(with = "DollarsText")]
    pub limit: Option<DollarsText>,
    /// What happens once the load has stopped; the stack stays when left out.
    pub then: Option<ThenWord>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::spec) enum ThenWord {
    /// The stack is verified and removed, also where it was up before.
    Down,
}

/// an amount of US dollars, such as `$5` or `$0.50`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = r"^\$[0-9]+(\.[0-9]+)?$"))]
pub(in crate::spec) struct DollarsText(pub String);
