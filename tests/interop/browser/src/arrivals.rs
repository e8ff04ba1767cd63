//! What arrives at a service, written down before anything else sees it.

use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use crate::Headers;

use crate::services::Framework;

#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) framework: Framework,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Headers,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals(Arc<Mutex<Vec<Arrival>>>);

impl Arrivals {
    pub(crate) fn add<'a>(
        &self,
        framework: Framework,
        method: &str,
        path: &str,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) {
        let arrival = Arrival {
            framework,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: joined(headers),
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(arrival);
    }

    pub(crate) fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn joined<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Headers {
    let mut all = Headers::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value);
        all.entry(name.to_ascii_lowercase())
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    all
}
