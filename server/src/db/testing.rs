//! Both databases for tests: SQLite in a temporary folder always, PostgreSQL where `TEST_POSTGRES_URL`
//! names a server (the test runner starts one), each test in a schema of its own.

use tempfile::TempDir;

use super::{Db, DbError};
use crate::clock::Env;

/// A database that goes with the test. Keep it until the test ends.
pub struct TestDb {
    pub db: Db,
    _folder: Option<TempDir>,
}

/// Fresh, migrated databases: one of each kind that is there.
pub async fn databases(env: &Env) -> Vec<TestDb> {
    let mut all = vec![sqlite(env).await];
    if let Ok(url) = std::env::var("TEST_POSTGRES_URL") {
        all.push(postgres(&url, env).await);
    }
    all
}

pub async fn sqlite(env: &Env) -> TestDb {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = Db::open_sqlite(&folder.path().join("test.sqlite"), env).await.expect("SQLite opens");
    TestDb { db, _folder: Some(folder) }
}

async fn postgres(url: &str, env: &Env) -> TestDb {
    let schema = fresh_schema(url, env).await.expect("PostgreSQL answers");
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options=-c%20search_path%3D{schema}");
    TestDb { db: Db::open_postgres(&url, env).await.expect("PostgreSQL opens"), _folder: None }
}

async fn fresh_schema(url: &str, env: &Env) -> Result<String, DbError> {
    let pool = sqlx::PgPool::connect(url).await?;
    let schema = format!("test_{}", env.id::<uuid::Uuid>().simple());
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&pool).await?;
    Ok(schema)
}
