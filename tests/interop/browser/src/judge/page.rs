//! The page as a whole, and its requests' answers.

use super::Misses;
use crate::cells::{Answer, Case, Life, Saw};
use crate::services::Known;

/// Nothing was thrown, nobody else was asked, and the SDK has one identity.
pub(super) fn check(case: &Case, saw: &Saw, life: &Life, misses: &mut Misses) {
    misses.unless(life.errors.is_empty(), || {
        format!("thrown in the page: {:?}", life.errors)
    });
    let urls = life.asked.iter().map(|asked| asked.url.as_str());
    let foreign: Vec<&str> = urls.filter(|url| !case.knows(url)).collect();
    misses.unless(foreign.is_empty(), || {
        format!("the page asked others: {foreign:?}")
    });
    if let Some(who) = &saw.identity {
        misses.unless(
            (&who.session, &who.user) == (&who.stored_session, &who.stored_user),
            || format!("the SDK says and stores different things: {who:?}"),
        );
    }
}

pub(super) fn answered(answer: &Answer, misses: &mut Misses) -> Option<Known> {
    let known = Known::of(answer).filter(|_| answer.status == 200);
    misses.unless(known.is_some(), || match &answer.error {
        Some(error) => format!("the page got no answer: {error}"),
        None => format!("the page got status {}", answer.status),
    });
    known
}
