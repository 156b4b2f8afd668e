//! Values of parameters.

use serde::Serialize;

/// The value of a parameter, with its type also where it is NULL.
#[derive(Clone, Debug)]
pub(in crate::store) enum Bound {
    Int(Option<i64>),
    Bool(Option<bool>),
    Text(Option<String>),
    /// An array whose elements the statement reads.
    Json(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// What can be the value of a parameter.
pub(in crate::store) trait Bind {
    fn value(self) -> Bound;

    /// NULL of this type.
    fn null() -> Bound;
}

impl Bind for i64 {
    fn value(self) -> Bound {
        Bound::Int(Some(self))
    }

    fn null() -> Bound {
        Bound::Int(None)
    }
}

impl Bind for u32 {
    fn value(self) -> Bound {
        i64::from(self).value()
    }

    fn null() -> Bound {
        i64::null()
    }
}

impl Bind for bool {
    fn value(self) -> Bound {
        Bound::Bool(Some(self))
    }

    fn null() -> Bound {
        Bound::Bool(None)
    }
}

impl Bind for String {
    fn value(self) -> Bound {
        Bound::Text(Some(self))
    }

    fn null() -> Bound {
        Bound::Text(None)
    }
}

impl Bind for &str {
    fn value(self) -> Bound {
        self.to_owned().value()
    }

    fn null() -> Bound {
        String::null()
    }
}

/// Rows or keys as one parameter: a JSON array, which `json_each` reads.
#[derive(Clone)]
pub(in crate::store) struct JsonList(String);

/// Returns rows or keys as one parameter.
pub(in crate::store) fn json(rows: impl Serialize) -> JsonList {
    // What is passed are numbers and texts, which always have a form in JSON.
    JsonList(serde_json::to_string(&rows).unwrap_or_default())
}

impl Bind for JsonList {
    fn value(self) -> Bound {
        Bound::Json(Some(self.0))
    }

    fn null() -> Bound {
        Bound::Json(None)
    }
}

impl Bind for Vec<u8> {
    fn value(self) -> Bound {
        Bound::Bytes(Some(self))
    }

    fn null() -> Bound {
        Bound::Bytes(None)
    }
}

impl<T: Bind> Bind for Option<T> {
    fn value(self) -> Bound {
        self.map_or_else(T::null, T::value)
    }

    fn null() -> Bound {
        T::null()
    }
}

impl<T: Bind + Clone> Bind for &T {
    fn value(self) -> Bound {
        self.clone().value()
    }

    fn null() -> Bound {
        T::null()
    }
}
