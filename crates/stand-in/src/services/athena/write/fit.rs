//! Columns of a query as a table's types have them.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array},
        compute::cast,
        datatypes::DataType,
    },
    error::Result,
};

/// The same values in a column of another type: fields of rows by their order, whatever they are called.
pub(super) fn fit(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(match (array.data_type(), to) {
        (found, wanted) if found == wanted => array.clone(),
        (DataType::Null, wanted) => new_null_array(wanted, array.len()),
        (DataType::Struct(found), DataType::Struct(wanted)) if found.len() == wanted.len() => {
            let row = array.as_struct();
            let columns = row.columns().iter().zip(wanted).map(|(column, field)| fit(column, field.data_type()));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Arc::new(StructArray::try_new(wanted.clone(), columns, row.nulls().cloned())?)
        }
        (DataType::List(_), DataType::List(item)) => {
            let list = array.as_list::<i32>();
            let items = fit(list.values(), item.data_type())?;
            Arc::new(ListArray::try_new(item.clone(), list.offsets().clone(), items, list.nulls().cloned())?)
        }
        (DataType::Map(..), DataType::Map(entries, is_sorted)) => {
            let map = array.as_map();
            let fitted = fit(&(Arc::new(map.entries().clone()) as ArrayRef), entries.data_type())?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Arc::new(MapArray::try_new(entries.clone(), offsets, fitted.as_struct().clone(), nulls, *is_sorted)?)
        }
        (_, wanted) => cast(array, wanted)?,
    })
}
