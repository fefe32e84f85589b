//! A line that is a JSON document. Columns are told by key or by JSON pointer (RFC 6901); one document may hold many rows,
//! in an array or under the keys of an object.

use std::borrow::Cow;

use serde_json::Value;

use super::declared::Declared;
use super::split::Fields;
use crate::cli::backtest::line::Fault;

/// The column that is the key under which a row stands.
const KEY: &str = "@key";

/// Where everything stands in a document.
#[derive(Debug)]
pub(super) struct Document {
    /// Where its rows are; none where it is one row itself.
    each: Option<String>,
    /// As declared, and as a pointer.
    columns: Vec<(String, String)>,
}

impl Document {
    /// As declared; none where lines are no documents.
    pub(super) fn of(declared: &Declared) -> Result<Option<Self>, String> {
        let each = declared.file.each.as_deref().map(pointer);
        if declared.file.delimiter != "json" {
            return if each.is_some() {
                Err("file.each: rows within a line need file.delimiter = \"json\"".to_owned())
            } else {
                Ok(None)
            };
        }
        if !declared.columns.is_empty() {
            return Err("[columns]: in a document a column is its key, or a pointer such as \"/data/v\"".to_owned());
        }
        if each.is_none() && declared.names().iter().any(|name| name == KEY) {
            return Err(format!("\"{KEY}\": file.each must say under whose keys the rows stand"));
        }
        let columns = declared.names().into_iter().map(|name| (pointer(&name), name));
        Ok(Some(Self { each, columns: columns.map(|(pointer, name)| (name, pointer)).collect() }))
    }

    /// Where a column stands among the fields of a row.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|(column, _)| column == name)
    }

    /// What a column is called.
    pub(super) fn name(&self, place: usize) -> String {
        self.columns.get(place).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    /// The rows of a document, each with its fields in the order of the columns.
    pub(super) fn rows(&self, line: &[u8]) -> Result<Vec<Fields<'static>>, Fault> {
        let whole: Value = serde_json::from_slice(line).map_err(|error| Fault::Document(error.to_string()))?;
        let Some(each) = &self.each else { return Ok(vec![self.row(None, &whole, &whole)]) };
        match whole.pointer(each) {
            Some(Value::Array(rows)) => Ok(rows.iter().map(|row| self.row(None, row, &whole)).collect()),
            Some(Value::Object(rows)) => Ok(rows.iter().map(|(key, row)| self.row(Some(key), row, &whole)).collect()),
            Some(_) | None => Err(Fault::NoMember(each.clone())),
        }
    }

    /// A column is looked for in the row first, then in the whole document.
    fn row(&self, key: Option<&String>, row: &Value, whole: &Value) -> Fields<'static> {
        let field = |(name, pointer): &(String, String)| match key {
            Some(key) if name == KEY => Some(key.clone().into_bytes()),
            Some(_) | None => row.pointer(pointer).or_else(|| whole.pointer(pointer)).map(text),
        };
        Fields::of(self.columns.iter().map(|column| field(column).map(Cow::Owned)).collect())
    }
}

/// What is no pointer is a key.
fn pointer(name: &str) -> String {
    if name.starts_with('/') || name.is_empty() {
        return name.to_owned();
    }
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A member as a field of a line would hold it; null is a field in which nothing stands.
fn text(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string().into_bytes(),
    }
}
