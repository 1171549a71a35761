//! Rows of a Parquet object as lines of JSON, with the fields of a key alone.

use std::{
    io::{self, Read},
    sync::Arc,
};

use bytes::{Buf, Bytes};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, RecordBatch, StructArray},
        datatypes::{Field, Fields},
        json::LineDelimitedWriter,
    },
    parquet::arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
};
use demo_formats::schema::hive_name;

use crate::spec::FieldPath;

/// Makes lines batch by batch.
pub(super) struct Rows {
    batches: ParquetRecordBatchReader,
    key: Vec<Vec<String>>,
    lines: Bytes,
}

impl Rows {
    pub(super) fn new(data: Bytes, key: &[FieldPath]) -> io::Result<Self> {
        if key.is_empty() {
            return Err(io::Error::other(
                "lines are not kept as they were in Parquet; declare a key to tell documents apart",
            ));
        }
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let file = ParquetRecordBatchReaderBuilder::try_new_with_options(data, options).map_err(io::Error::other)?;
        let key: Vec<Vec<String>> = key.iter().map(|path| path.0.clone()).collect();
        let columns = file.parquet_schema().columns().iter().enumerate();
        let leaves = columns.filter(|(_, column)| key.iter().any(|path| is_under(column.path().parts(), path)));
        let mask = ProjectionMask::leaves(file.parquet_schema(), leaves.map(|(leaf, _)| leaf));
        let batches = file.with_projection(mask).build().map_err(io::Error::other)?;
        Ok(Self { batches, key, lines: Bytes::new() })
    }

    fn lines_of(&self, batch: RecordBatch) -> io::Result<Bytes> {
        let paths: Vec<&[String]> = self.key.iter().map(Vec::as_slice).collect();
        let named = RecordBatch::from(renamed(&StructArray::from(batch), &paths));
        let mut writer = LineDelimitedWriter::new(Vec::new());
        writer.write(&named).map_err(io::Error::other)?;
        writer.finish().map_err(io::Error::other)?;
        Ok(writer.into_inner().into())
    }
}

impl Read for Rows {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.lines.is_empty() {
            let Some(batch) = self.batches.next() else { return Ok(0) };
            self.lines = self.lines_of(batch.map_err(io::Error::other)?)?;
        }
        let taken = into.len().min(self.lines.len());
        self.lines.copy_to_slice(&mut into[..taken]);
        Ok(taken)
    }
}

/// Hive has names of its own, in lower case only.
fn is_named(name: &str, key: &str) -> bool {
    hive_name(name) == hive_name(key)
}

fn is_under(column: &[String], path: &[String]) -> bool {
    column.len() >= path.len() && column.iter().zip(path).all(|(name, key)| is_named(name, key))
}

/// With the names as the paths have them.
fn renamed(array: &StructArray, paths: &[&[String]]) -> StructArray {
    let columns = array.fields().iter().zip(array.columns()).map(|(field, column)| {
        let through = |path: &&&[String]| path.first().is_some_and(|key| is_named(field.name(), key));
        let below: Vec<&[String]> = paths.iter().filter(through).map(|path| &path[1..]).collect();
        let name = paths.iter().find(through).map_or(field.name(), |path| &path[0]);
        let column: ArrayRef = match column.as_struct_opt() {
            Some(inner) => Arc::new(renamed(inner, &below)),
            None => column.clone(),
        };
        (Field::new(name, column.data_type().clone(), true), column)
    });
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = columns.unzip();
    match fields.is_empty() {
        true => array.clone(),
        false => StructArray::new(Fields::from(fields), columns, array.nulls().cloned()),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::{
        arrow::datatypes::{DataType, Schema},
        arrow::json::ReaderBuilder,
        parquet::arrow::ArrowWriter,
    };

    use super::*;

    fn object(rows: &str) -> Bytes {
        let inner =
            Fields::from(vec![Field::new("id", DataType::Int64, true), Field::new("big", DataType::Utf8, true)]);
        let fields = vec![
            Field::new("ticket", DataType::Int64, true),
            Field::new("item", DataType::Struct(inner), true),
            Field::new("other", DataType::Float64, true),
        ];
        let schema = Arc::new(Schema::new(fields));
        let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), None).expect("a writer");
        for batch in ReaderBuilder::new(schema).build(rows.as_bytes()).expect("a reader") {
            writer.write(&batch.expect("a batch")).expect("written");
        }
        writer.into_inner().expect("an object").into()
    }

    #[test]
    fn lines_have_the_key_alone_in_its_own_case() {
        let data = object(
            "{\"ticket\":1,\"item\":{\"id\":7,\"big\":\"x\"},\"other\":0.5}\n{\"item\":null}\n{\"ticket\":9007199254740993}\n",
        );
        let path = |names: &[&str]| FieldPath(names.iter().map(|&name| name.to_owned()).collect());
        let mut text = String::new();
        Rows::new(data, &[path(&["Ticket"]), path(&["item", "ID"])])
            .expect("rows")
            .read_to_string(&mut text)
            .expect("read");
        assert_eq!(text, "{\"Ticket\":1,\"item\":{\"ID\":7}}\n{}\n{\"Ticket\":9007199254740993}\n");
    }
}
