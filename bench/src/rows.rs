//! The database itself, without a server: which rows were written, and how fast the same rows can be.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Executor as _, PgPool, Postgres, Row as _, Sqlite, SqlitePool, Transaction};

use crate::Outcome;

/// The schema has three types and null.
#[derive(Clone)]
pub enum Value {
    Bytes(Option<Vec<u8>>),
    Text(Option<String>),
    Integer(Option<i64>),
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(Some(integer))
    }
}

#[derive(Clone)]
struct Column {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Bytes,
    Text,
    Integer,
}

/// Rows of one table, in the order of writing.
#[derive(Clone)]
pub struct Table {
    pub name: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

pub enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// SQLite takes 32,766 parameters a statement.
const PARAMETERS_MAX: usize = 32_000;

/// A fresh database of its own on the PostgreSQL server, and its address.
pub async fn create_database(server: &str, name: &str) -> Outcome<String> {
    let pool = PgPool::connect(server).await?;
    pool.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await?;
    pool.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
    pool.close().await;
    let (base, _) = server.rsplit_once('/').ok_or("the address names no database")?;
    Ok(format!("{base}/{name}"))
}

// The two pools' rows share no trait that says this, only the same words.
macro_rules! fetch_values {
    ($pool:expr, $sql:expr, $columns:expr $(, $bound:expr)?) => {{
        let mut out = Vec::new();
        for row in sqlx::query($sql)$(.bind($bound))?.fetch_all($pool).await? {
            let values = $columns.iter().enumerate().map(|(index, column)| {
                Ok(match column.kind {
                    Kind::Bytes => Value::Bytes(row.try_get(index)?),
                    Kind::Text => Value::Text(row.try_get(index)?),
                    Kind::Integer => Value::Integer(row.try_get(index)?),
                })
            });
            out.push(values.collect::<Outcome<_>>()?);
        }
        out
    }};
}

impl Database {
    /// The one at `url`, or the SQLite file in the data folder.
    pub async fn open(url: Option<&str>, folder: &Path) -> Outcome<Self> {
        if let Some(url) = url {
            return Ok(Self::Postgres(PgPool::connect(url).await?));
        }
        let is_database = |path: &Path| path.extension().is_some_and(|end| end == "sqlite" || end == "db");
        let files = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path());
        let file =
            files.into_iter().find(|path| is_database(path)).ok_or("no SQLite file in the data folder")?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        Ok(Self::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?))
    }

    pub async fn close(self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// How many rows each table has.
    pub async fn counts(&self) -> Outcome<BTreeMap<String, i64>> {
        let mut counts = BTreeMap::new();
        for table in self.tables().await? {
            let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            let count: i64 = match self {
                Self::Sqlite(pool) => sqlx::query_scalar(sql).fetch_one(pool).await?,
                Self::Postgres(pool) => sqlx::query_scalar(sql).fetch_one(pool).await?,
            };
            counts.insert(table, count);
        }
        Ok(counts)
    }

    /// What was inserted since.
    pub async fn written_since(&self, before: &BTreeMap<String, i64>) -> Outcome<Vec<Table>> {
        let mut tables = Vec::new();
        for (name, count) in self.counts().await? {
            let known = before.get(&name).copied().unwrap_or_default();
            if count > known {
                let columns = self.columns(&name).await?;
                let rows = self.rows(&name, &columns, known).await?;
                tables.push(Table { name, columns, rows });
            }
        }
        Ok(tables)
    }

    /// Writes all of it in so many commits, each with its share of every table's rows, in the way that each
    /// database takes many rows fastest.
    pub async fn write(&self, tables: &[Table], commits: usize) -> Outcome<Duration> {
        let start = Instant::now();
        for commit in 0..commits {
            match self {
                Self::Sqlite(pool) => {
                    let mut transaction = pool.begin().await?;
                    for table in tables {
                        for rows in table.share(commit, commits) {
                            table.insert_into_sqlite(rows, &mut transaction).await?;
                        }
                    }
                    transaction.commit().await?;
                }
                Self::Postgres(pool) => {
                    let mut transaction = pool.begin().await?;
                    for table in tables {
                        for rows in table.share(commit, commits) {
                            table.insert_into_postgres(rows, &mut transaction).await?;
                        }
                    }
                    transaction.commit().await?;
                }
            }
        }
        Ok(start.elapsed())
    }

    /// The rows of a table in one zone, ordered by that column.
    pub async fn table(&self, name: &str, zone: &[u8], order: &str) -> Outcome<Table> {
        let columns = self.columns(name).await?;
        let names = columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT {names} FROM {name} WHERE zone_id = $1 ORDER BY {order}");
        let sql = AssertSqlSafe(sql);
        let rows = match self {
            Self::Sqlite(pool) => fetch_values!(pool, sql, columns, zone),
            Self::Postgres(pool) => fetch_values!(pool, sql, columns, zone),
        };
        Ok(Table { name: name.to_owned(), columns, rows })
    }

    /// The one integer that a statement with bytes gives.
    pub async fn integer(&self, sql: &str, bytes: &[u8]) -> Outcome<i64> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Sqlite(pool) => sqlx::query_scalar(sql).bind(bytes).fetch_one(pool).await?,
            Self::Postgres(pool) => sqlx::query_scalar(sql).bind(bytes).fetch_one(pool).await?,
        })
    }

    /// Does at once what the database's own upkeep does within minutes of so many rows.
    pub async fn settle(&self) -> Outcome {
        if let Self::Postgres(pool) = self {
            sqlx::query("VACUUM (ANALYZE)").execute(pool).await?;
            // Or it writes for minutes what was just loaded, under what is measured next.
            sqlx::query("CHECKPOINT").execute(pool).await?;
        }
        Ok(())
    }

    /// Runs a statement with an integer and bytes.
    pub async fn execute(&self, sql: &str, integer: i64, bytes: &[u8]) -> Outcome {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(pool) => {
                sqlx::query(sql).bind(integer).bind(bytes).execute(pool).await?;
            }
            Self::Postgres(pool) => {
                sqlx::query(sql).bind(integer).bind(bytes).execute(pool).await?;
            }
        }
        Ok(())
    }

    async fn tables(&self) -> Outcome<Vec<String>> {
        Ok(match self {
            Self::Sqlite(pool) => {
                let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1";
                sqlx::query_scalar(sql).fetch_all(pool).await?
            }
            Self::Postgres(pool) => {
                let sql =
                    "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1";
                sqlx::query_scalar(sql).fetch_all(pool).await?
            }
        })
    }

    async fn columns(&self, table: &str) -> Outcome<Vec<Column>> {
        let rows: Vec<(String, String)> = match self {
            Self::Sqlite(pool) => {
                let sql = "SELECT name, lower(type) FROM pragma_table_info($1) ORDER BY cid";
                sqlx::query_as(sql).bind(table).fetch_all(pool).await?
            }
            Self::Postgres(pool) => {
                let sql = "SELECT column_name::text, data_type::text FROM information_schema.columns \
                           WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";
                sqlx::query_as(sql).bind(table).fetch_all(pool).await?
            }
        };
        let column = |(name, kind): (String, String)| {
            let kind = match kind.as_str() {
                "blob" | "bytea" => Kind::Bytes,
                "bigint" => Kind::Integer,
                _ => Kind::Text,
            };
            Column { name, kind }
        };
        Ok(rows.into_iter().map(column).collect())
    }

    async fn rows(&self, table: &str, columns: &[Column], skip: i64) -> Outcome<Vec<Vec<Value>>> {
        let names = columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
        let place = if matches!(self, Self::Sqlite(_)) { "rowid" } else { "ctid" };
        let sql = AssertSqlSafe(format!(
            "SELECT {names} FROM {table} ORDER BY {place} LIMIT 1000000 OFFSET {skip}"
        ));
        Ok(match self {
            Self::Sqlite(pool) => fetch_values!(pool, sql, columns),
            Self::Postgres(pool) => fetch_values!(pool, sql, columns),
        })
    }
}

impl Table {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// A table of copies: row `of` of this one, with other values for these columns.
    pub fn copies<'a>(
        &self,
        copies: impl IntoIterator<Item = (usize, Vec<(&'a str, Value)>)>,
    ) -> Outcome<Self> {
        let place = |name: &str| self.columns.iter().position(|column| column.name == name);
        let rows = copies.into_iter().map(|(of, values)| {
            let mut row = self.rows[of].clone();
            for (name, value) in values {
                row[place(name).ok_or_else(|| format!("{} has no column {name}", self.name))?] = value;
            }
            Ok(row)
        });
        let rows = rows.collect::<Outcome<_>>()?;
        Ok(Self { name: self.name.clone(), columns: self.columns.clone(), rows })
    }

    /// The column's bytes in each row.
    pub fn bytes(&self, name: &str) -> Outcome<Vec<Vec<u8>>> {
        let place = self.columns.iter().position(|column| column.name == name);
        let place = place.ok_or_else(|| format!("{} has no column {name}", self.name))?;
        self.rows.iter().map(|row| Ok(row[place].clone().bytes().ok_or("null")?)).collect()
    }

    /// The rows of one commit, in statements that the database takes.
    fn share(&self, commit: usize, commits: usize) -> impl Iterator<Item = &[Vec<Value>]> {
        let from = self.rows.len() * commit / commits;
        let to = self.rows.len() * (commit + 1) / commits;
        self.rows[from..to].chunks((PARAMETERS_MAX / self.columns.len()).max(1))
    }

    fn column_names(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// With a placeholder for each value.
    async fn insert_into_sqlite(
        &self,
        rows: &[Vec<Value>],
        transaction: &mut Transaction<'_, Sqlite>,
    ) -> Outcome {
        let tuple = format!("({})", vec!["?"; self.columns.len()].join(", "));
        let tuples = vec![tuple.as_str(); rows.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES {tuples}", self.name, self.column_names());
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in rows.iter().flatten().cloned() {
            query = match value {
                Value::Bytes(bytes) => query.bind(bytes),
                Value::Text(text) => query.bind(text),
                Value::Integer(integer) => query.bind(integer),
            };
        }
        query.execute(&mut **transaction).await?;
        Ok(())
    }

    /// With an array for each column.
    async fn insert_into_postgres(
        &self,
        rows: &[Vec<Value>],
        transaction: &mut Transaction<'_, Postgres>,
    ) -> Outcome {
        let arrays = (1..=self.columns.len()).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ");
        let sql =
            format!("INSERT INTO {} ({}) SELECT * FROM UNNEST({arrays})", self.name, self.column_names());
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (index, column) in self.columns.iter().enumerate() {
            let values = rows.iter().map(|row| row[index].clone());
            query = match column.kind {
                Kind::Bytes => query.bind(values.map(Value::bytes).collect::<Vec<_>>()),
                Kind::Text => query.bind(values.map(Value::text).collect::<Vec<_>>()),
                Kind::Integer => query.bind(values.map(Value::integer).collect::<Vec<_>>()),
            };
        }
        query.execute(&mut **transaction).await?;
        Ok(())
    }
}

impl Value {
    fn bytes(self) -> Option<Vec<u8>> {
        if let Self::Bytes(bytes) = self { bytes } else { None }
    }

    fn text(self) -> Option<String> {
        if let Self::Text(text) = self { text } else { None }
    }

    fn integer(self) -> Option<i64> {
        if let Self::Integer(integer) = self { integer } else { None }
    }
}
