//! Values of parameters.

use serde::Serialize;

/// The value of a parameter, with its type also where it is NULL.
#[derive(Clone, Debug)]
pub(in crate::store) enum Value {
    Int(Option<i64>),
    Bool(Option<bool>),
    Text(Option<String>),
    /// An array whose elements the statement reads.
    Json(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// What can be the value of a parameter.
pub(in crate::store) trait Bind {
    fn value(self) -> Value;

    /// NULL of this type.
    fn null() -> Value;
}

impl Bind for i64 {
    fn value(self) -> Value {
        Value::Int(Some(self))
    }

    fn null() -> Value {
        Value::Int(None)
    }
}

impl Bind for u32 {
    fn value(self) -> Value {
        i64::from(self).value()
    }

    fn null() -> Value {
        i64::null()
    }
}

impl Bind for bool {
    fn value(self) -> Value {
        Value::Bool(Some(self))
    }

    fn null() -> Value {
        Value::Bool(None)
    }
}

impl Bind for String {
    fn value(self) -> Value {
        Value::Text(Some(self))
    }

    fn null() -> Value {
        Value::Text(None)
    }
}

impl Bind for &str {
    fn value(self) -> Value {
        self.to_owned().value()
    }

    fn null() -> Value {
        String::null()
    }
}

/// Rows or keys as one parameter: a JSON array, which `json_each` reads.
#[derive(Clone)]
pub(in crate::store) struct Json(String);

/// Returns rows or keys as one parameter.
pub(in crate::store) fn json(rows: impl Serialize) -> Json {
    // What is passed are numbers and texts, which always have a form in JSON.
    Json(serde_json::to_string(&rows).unwrap_or_default())
}

impl Bind for Json {
    fn value(self) -> Value {
        Value::Json(Some(self.0))
    }

    fn null() -> Value {
        Value::Json(None)
    }
}

impl Bind for Vec<u8> {
    fn value(self) -> Value {
        Value::Bytes(Some(self))
    }

    fn null() -> Value {
        Value::Bytes(None)
    }
}

impl<T: Bind> Bind for Option<T> {
    fn value(self) -> Value {
        self.map_or_else(T::null, T::value)
    }

    fn null() -> Value {
        T::null()
    }
}

impl<T: Bind + Clone> Bind for &T {
    fn value(self) -> Value {
        self.clone().value()
    }

    fn null() -> Value {
        T::null()
    }
}
