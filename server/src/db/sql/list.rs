//! Lists in statements. PostgreSQL takes an array for each list, so that one prepared statement serves every
//! length. SQLite has none: there a list is a batch of placeholders, in few sizes, so that few statements are
//! ever prepared.
//!
//! What is read on PostgreSQL is looked up key by key, in an index, whatever the planner believes of the
//! table: left to itself it takes a new table for empty and compares every row with every key, and that plan
//! is kept.

use super::value::{List, Value};
use crate::db::error::DbError;

/// How many keys or rows a batch takes: the smallest that fits is used for keys, the rest padded by repeating
/// the last one.
const BATCH_SIZES: [usize; 5] = [1, 4, 16, 64, 256];
/// SQLite takes 32,766 bound values a statement.
const BOUND_VALUES_MAX: usize = 32_766;
/// Entries of one array: bounds what a statement takes in memory.
const ARRAY_ENTRIES_MAX: usize = 16_384;

type Statement = (String, Vec<Value>);

/// Statements for `sql`, in which `IN ({keys})` stands for a list. The rows come in no order.
pub(super) fn of_keys(
    is_postgres: bool,
    sql: &str,
    fixed: &[Value],
    keys: Vec<Value>,
) -> Result<Vec<Statement>, DbError> {
    if !is_postgres {
        return Ok(key_batches(sql, fixed, &keys));
    }
    let Some(first) = keys.first() else { return Ok(Vec::new()) };
    let set = format!("SELECT UNNEST(${}::{}[])", fixed.len() + 1, List::of_type(first).type_name());
    let sql = if sql.starts_with("SELECT") || sql.starts_with("WITH") {
        // With an OFFSET it is not taken apart, so it comes after the keys.
        let of_one = sql.replace("IN ({keys})", "= wanted.key");
        format!(
            "SELECT found.* FROM (SELECT DISTINCT listed.key FROM ({set} AS key) AS listed) AS wanted \
             CROSS JOIN LATERAL ({of_one} OFFSET 0) AS found"
        )
    } else {
        sql.replace("{keys}", &set)
    };
    let mut keys = keys.into_iter().peekable();
    let mut statements = Vec::new();
    while let Some(first) = keys.peek() {
        let mut list = List::of_type(first);
        for key in keys.by_ref().take(ARRAY_ENTRIES_MAX) {
            list.push(key)?;
        }
        let values = fixed.iter().cloned().chain([Value::List(list)]).collect();
        statements.push((sql.clone(), values));
    }
    Ok(statements)
}

fn key_batches(sql: &str, fixed: &[Value], keys: &[Value]) -> Vec<Statement> {
    let largest = BATCH_SIZES[BATCH_SIZES.len() - 1];
    keys.chunks(largest)
        .map(|batch| {
            let size = BATCH_SIZES.into_iter().find(|&size| size >= batch.len()).unwrap_or(largest);
            let holders: Vec<String> = (1..=size).map(|n| format!("${}", fixed.len() + n)).collect();
            let last = &batch[batch.len() - 1];
            let padding = std::iter::repeat_n(last, size - batch.len());
            let values = fixed.iter().chain(batch).chain(padding).cloned().collect();
            (sql.replace("{keys}", &holders.join(", ")), values)
        })
        .collect()
}

/// Statements that write the rows: `head` is `INSERT INTO t (a, b)`, `tail` what follows the values.
pub(super) fn of_rows(
    is_postgres: bool,
    head: &str,
    rows: Vec<Vec<Value>>,
    tail: &str,
) -> Result<Vec<Statement>, DbError> {
    if is_postgres { row_arrays(head, rows, tail) } else { Ok(row_batches(head, rows, tail)) }
}

fn row_arrays(head: &str, rows: Vec<Vec<Value>>, tail: &str) -> Result<Vec<Statement>, DbError> {
    let mut rows = rows.into_iter();
    let mut statements = Vec::new();
    while let Some(first) = rows.as_slice().first() {
        let mut columns: Vec<List> = first.iter().map(List::of_type).collect();
        for row in rows.by_ref().take(ARRAY_ENTRIES_MAX) {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value)?;
            }
        }
        let arrays: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| format!("${}::{}[]", index + 1, column.type_name()))
            .collect();
        let sql = format!("{head} SELECT * FROM UNNEST({}) {tail}", arrays.join(", "));
        statements.push((sql, columns.into_iter().map(Value::List).collect()));
    }
    Ok(statements)
}

fn row_batches(head: &str, rows: Vec<Vec<Value>>, tail: &str) -> Vec<Statement> {
    let Some(columns) = rows.first().map(Vec::len) else { return Vec::new() };
    let mut statements = Vec::new();
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let count = BATCH_SIZES
            .into_iter()
            .rev()
            .find(|&size| size <= rows.len() && size * columns <= BOUND_VALUES_MAX)
            .unwrap_or(1);
        // Without numbers: a numbered one is looked up among all of them each time that it is bound.
        let tuple = format!("({})", vec!["?"; columns].join(", "));
        let sql = format!("{head} VALUES {} {tail}", vec![tuple.as_str(); count].join(", "));
        statements.push((sql, rows.by_ref().take(count).flatten().collect()));
    }
    statements
}

impl List {
    /// Empty, for values like this one.
    fn of_type(value: &Value) -> Self {
        match value {
            Value::Int(_) | Value::List(Self::Ints(_)) => Self::Ints(Vec::new()),
            Value::Text(_) | Value::List(Self::Texts(_)) => Self::Texts(Vec::new()),
            Value::Bytes(_) | Value::List(Self::Bytes(_)) => Self::Bytes(Vec::new()),
        }
    }

    fn push(&mut self, value: Value) -> Result<(), DbError> {
        match (self, value) {
            (Self::Ints(values), Value::Int(value)) => values.push(value),
            (Self::Texts(values), Value::Text(value)) => values.push(value),
            (Self::Bytes(values), Value::Bytes(value)) => values.push(value),
            _ => return Err(DbError::Other(sqlx::Error::Encode("a list has values of one type".into()))),
        }
        Ok(())
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Ints(_) => "bigint",
            Self::Texts(_) => "text",
            Self::Bytes(_) => "bytea",
        }
    }
}
