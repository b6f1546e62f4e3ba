use super::testing::databases;
use super::*;
use crate::values;

async fn usernames(db: &Db) -> Vec<String> {
    let sql = "SELECT name FROM settings ORDER BY name";
    let rows = db.reader().await.unwrap().fetch_all(sql, values![]).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

async fn put(db: &Db, name: &'static str, fail: bool) -> Result<(), DbError> {
    db.write(move |connection| {
        Box::pin(async move {
            let sql = "INSERT INTO settings (name, value) VALUES ($1, $2)";
            connection.execute(sql, values![name, vec![1_u8]]).await?;
            if fail { Err(DbError::Unavailable(None)) } else { Ok(()) }
        })
    })
    .await
}

#[tokio::test]
async fn a_failing_write_takes_only_itself_back() {
    for test in databases(&Env::system()).await {
        let db = &test.db;
        let (a, b, c, again) =
            tokio::join!(put(db, "a", false), put(db, "b", true), put(db, "c", false), put(db, "a", false));
        assert!(a.is_ok() != again.is_ok(), "one of two equal keys is refused");
        assert!(matches!(b, Err(DbError::Unavailable(_))));
        assert!(c.is_ok());
        assert_eq!(usernames(db).await, ["a", "c"]);
    }
}

#[tokio::test]
async fn lists_of_any_length_go_in_batches() {
    for test in databases(&Env::system()).await {
        // More than one array, and all sizes of batches.
        let names: Vec<String> = (0..17_000).map(|n| format!("{n:05}")).collect();
        let rows = names.clone();
        test.db
            .write::<_, DbError, _>(move |connection| {
                let rows = rows.iter().map(|name| values![name.as_str(), vec![2_u8]]).collect();
                Box::pin(async move {
                    let tail = "ON CONFLICT (name) DO UPDATE SET value = excluded.value";
                    connection.insert_rows("INSERT INTO settings (name, value)", rows, tail).await
                })
            })
            .await
            .unwrap();
        let mut reader = test.db.reader().await.unwrap();
        let keys = names.iter().step_by(2).map(|name| Value::from(name.as_str()));
        let sql = "SELECT name, value FROM settings WHERE value = $1 AND name IN ({keys})";
        let found = reader.fetch_keys(sql, values![vec![2_u8]], keys).await.unwrap();
        assert_eq!(found.len(), 8_500);
        let null: Option<i64> =
            reader.fetch_one("SELECT CAST(NULL AS BIGINT)", values![]).await.unwrap().get(0).unwrap();
        assert_eq!(null, None);
    }
}

#[tokio::test]
async fn a_panic_leaves_the_writer_working() {
    for test in databases(&Env::system()).await {
        let db = test.db.clone();
        let panicking = tokio::spawn(async move {
            db.write::<(), DbError, _>(|_| Box::pin(async { panic!("on purpose") })).await
        });
        assert!(!matches!(panicking.await, Ok(Ok(()))));
        put(&test.db, "after", false).await.unwrap();
        assert_eq!(usernames(&test.db).await, ["after"]);
    }
}
