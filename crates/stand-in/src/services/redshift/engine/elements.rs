//! The elements of SUPER arrays as rows: `FROM orders o, o.lines l`.

use std::{collections::HashSet, ops::ControlFlow, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListBuilder, StringBuilder},
        compute::cast,
        datatypes::DataType,
    },
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
    sql::sqlparser::ast::{
        Expr, Ident, ObjectNamePart, Query, Select, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins,
        VisitMut, VisitorMut,
    },
};
use serde_json::value::RawValue;

use crate::trino;

/// The elements of a SUPER value, as SUPER values; what is no array is the one element of itself.
const ELEMENTS: &str = "super_elements";

/// Turns each path that leads on from a relation before it into the rows of the array that it names.
pub(super) fn unnest(query: &mut Query) {
    let _: ControlFlow<()> = VisitMut::visit(query, &mut Unnester);
}

struct Unnester;

impl VisitorMut for Unnester {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut known = HashSet::new();
        for table in &mut select.from {
            unnest_path(table, &known);
            let joined = table.joins.iter().map(|join| &join.relation);
            known.extend(std::iter::once(&table.relation).chain(joined).filter_map(called));
        }
        select.from = trino::grouped(std::mem::take(&mut select.from));
        ControlFlow::Continue(())
    }
}

fn unnest_path(table: &mut TableWithJoins, known: &HashSet<String>) {
    let TableFactor::Table { name, alias, args: None, .. } = &table.relation else { return };
    let path: Vec<Ident> = name.0.iter().filter_map(ObjectNamePart::as_ident).cloned().collect();
    let [first, .., last] = path.as_slice() else { return };
    if path.len() != name.0.len() || !known.contains(&first.value.to_lowercase()) {
        return;
    }
    let element = alias.as_ref().map_or(last, |alias| &alias.name).value.to_lowercase();
    let element = Ident::with_quote('"', element);
    let column = TableAliasColumnDef { name: element.clone(), data_type: None };
    let alias = Some(TableAlias { explicit: true, name: element, columns: vec![column], at: None });
    let array_exprs = vec![trino::call_of(ELEMENTS, vec![Expr::CompoundIdentifier(path)])];
    table.relation =
        TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_offset_alias: None, with_ordinality: false };
}

/// What a relation is called in the query.
fn called(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. } => Some(alias.name.value.to_lowercase()),
        TableFactor::Table { name, .. } => name.0.last()?.as_ident().map(|name| name.value.to_lowercase()),
        _ => None,
    }
}

/// The function that gives them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Elements {
    signature: Signature,
}

impl Elements {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Elements {
    fn name(&self) -> &str {
        ELEMENTS
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::new_list(DataType::Utf8, true))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = cast(&arguments.args[0].to_array(arguments.number_rows)?, &DataType::Utf8)?;
        let mut lists = ListBuilder::new(StringBuilder::new());
        for value in values.as_string::<i32>() {
            match value.map(|json| (json, serde_json::from_str::<Vec<Option<&RawValue>>>(json))) {
                None => {}
                Some((_, Ok(elements))) => elements.iter().for_each(|element| {
                    lists.values().append_option(element.map(RawValue::get));
                }),
                Some((json, Err(_))) => lists.values().append_value(json),
            }
            lists.append(value.is_some());
        }
        let lists: ArrayRef = Arc::new(lists.finish());
        debug_assert_eq!(lists.len(), arguments.number_rows, "a list for each row");
        Ok(ColumnarValue::Array(lists))
    }
}
