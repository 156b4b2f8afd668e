//! Rows of a result, and the values in them.

use std::ops::Deref;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, ColumnIndex, Error, Row as _, TypeInfo as _, ValueRef as _};

use super::nul;

/// A row of a result.
pub(in crate::store) enum DbRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl DbRow {
    /// Returns the value of a column, by its place or its name.
    pub(in crate::store) fn try_get<T: Get, I>(&self, index: I) -> Result<T, Error>
    where
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => T::from_sqlite(row, index.index(row)?),
            Self::Postgres(row) => T::from_postgres(row, index.index(row)?),
        }
    }
}

/// A value that a row can hold.
pub(in crate::store) trait Get: Sized {
    fn from_sqlite(row: &SqliteRow, place: usize) -> Result<Self, Error>;
    fn from_postgres(row: &PgRow, place: usize) -> Result<Self, Error>;
}

/// Types that both databases return as they are.
macro_rules! plain {
    ($($type:ty),+) => {
        $(impl Get for $type {
            fn from_sqlite(row: &SqliteRow, place: usize) -> Result<Self, Error> {
                row.try_get(place)
            }

            fn from_postgres(row: &PgRow, place: usize) -> Result<Self, Error> {
                row.try_get(place)
            }
        })+
    };
}

plain!(Vec<u8>, bool);

impl Get for String {
    fn from_sqlite(row: &SqliteRow, place: usize) -> Result<Self, Error> {
        row.try_get(place)
    }

    fn from_postgres(row: &PgRow, place: usize) -> Result<Self, Error> {
        row.try_get(place).map(nul::original)
    }
}

/// A stored JSON text.
#[derive(Clone)]
pub(in crate::store) struct JsonText(pub(in crate::store) String);

impl Deref for JsonText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Get for JsonText {
    fn from_sqlite(row: &SqliteRow, place: usize) -> Result<Self, Error> {
        row.try_get(place).map(Self)
    }

    fn from_postgres(row: &PgRow, place: usize) -> Result<Self, Error> {
        row.try_get(place).map(nul::original_json).map(Self)
    }
}

impl Get for i64 {
    fn from_sqlite(row: &SqliteRow, place: usize) -> Result<Self, Error> {
        row.try_get(place)
    }

    fn from_postgres(row: &PgRow, place: usize) -> Result<Self, Error> {
        // A number in a statement is an `integer`.
        match row.column(place).type_info().name() {
            "INT4" => row.try_get::<i32, _>(place).map(Self::from),
            _ => row.try_get(place),
        }
    }
}

impl Get for u32 {
    fn from_sqlite(row: &SqliteRow, place: usize) -> Result<Self, Error> {
        row.try_get(place)
    }

    fn from_postgres(row: &PgRow, place: usize) -> Result<Self, Error> {
        let number = i64::from_postgres(row, place)?;
        Self::try_from(number).map_err(|error| Error::Decode(error.into()))
    }
}

impl<T: Get> Get for Option<T> {
    fn from_sqlite(row: &SqliteRow, place: usize) -> Result<Self, Error> {
        match row.try_get_raw(place)?.is_null() {
            true => Ok(None),
            false => T::from_sqlite(row, place).map(Some),
        }
    }

    fn from_postgres(row: &PgRow, place: usize) -> Result<Self, Error> {
        match row.try_get_raw(place)?.is_null() {
            true => Ok(None),
            false => T::from_postgres(row, place).map(Some),
        }
    }
}

/// What a whole row can be read as.
pub(in crate::store) trait FromRow: Sized {
    fn from_row(row: &DbRow) -> Result<Self, Error>;
}

macro_rules! tuples {
    ($(($($type:ident $place:literal),+))+) => {
        $(impl<$($type: Get),+> FromRow for ($($type,)+) {
            fn from_row(row: &DbRow) -> Result<Self, Error> {
                Ok(($(row.try_get($place)?,)+))
            }
        })+
    };
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10)
}
