//! Which route the router took, asked after it has run.
//!
//! [`HttpRequest::match_pattern`] alone does not tell: up to actix-web 4.13 it
//! looks the path up anew, without the guards, and later versions still do so
//! for a request that no resource took. What the router really took is in
//! [`HttpRequest::match_info`]: how much of the path, with which parameters.

use actix_web::HttpRequest;

/// The pattern of the resource that served the request: `/users/{id}`, with
/// those of the scopes around it.
pub(crate) fn of(request: &HttpRequest) -> Option<String> {
    let pattern = looked_up(request)?;
    let taken = Taken::by(request);
    let route = if taken.fits(&pattern) {
        pattern
    } else if taken.whole_path {
        // A resource took the path, though not the one that the lookup finds:
        // it has several patterns, or a guard refused the lookup's.
        taken.template()
    } else {
        // A scope took its prefix, and nothing in it the rest.
        return None;
    };
    Some(or_root(route))
}

/// Files mounted at the root have an empty pattern.
pub(crate) fn or_root(route: String) -> String {
    if route.is_empty() {
        "/".to_owned()
    } else {
        route
    }
}

/// What actix-web says, which may be another resource's pattern, or one that
/// was refused.
fn looked_up(request: &HttpRequest) -> Option<String> {
    let routed = request.match_info().as_str();
    // The lookup takes the path as sent, the router with its escapes undone.
    request.match_pattern().or_else(|| {
        let differs = routed != request.path();
        differs.then(|| request.resource_map().match_pattern(routed))?
    })
}

/// What the router has taken of the path.
struct Taken<'a> {
    path: &'a str,
    parameters: Vec<Parameter<'a>>,
    /// Nothing is left over. A prefix, as of files, leaves the rest.
    whole_path: bool,
}

/// A part of the path that a dynamic segment took.
#[derive(Clone, Copy)]
struct Parameter<'a> {
    name: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Taken<'a> {
    fn by(request: &'a HttpRequest) -> Self {
        let info = request.match_info();
        let rest = info.unprocessed();
        let whole = info.as_str();
        let path = whole.strip_suffix(rest).unwrap_or(whole);
        let mut parameters: Vec<Parameter<'_>> = Vec::with_capacity(info.segment_count());
        for (name, value) in info.iter() {
            // A group within a parameter's expression is a parameter to the router.
            let after = parameters.last().map_or(0, |last| last.end);
            parameters.extend(Parameter::of(path, name, value).filter(|p| p.start >= after));
        }
        Taken {
            path,
            parameters,
            whole_path: rest.is_empty(),
        }
    }

    /// Whether this is what a pattern takes: the same literal text, and the
    /// same parameters in the same order.
    fn fits(&self, pattern: &str) -> bool {
        let mut pattern = pattern;
        let mut at = 0;
        for parameter in &self.parameters {
            let literal = self.path.get(at..parameter.start);
            let rest = literal.and_then(|literal| pattern.strip_prefix(literal));
            let Some(rest) = rest.and_then(|rest| after_parameter(rest, parameter.name)) else {
                return false;
            };
            pattern = rest;
            at = parameter.end;
        }
        // A tail, `{name}*`, has its star at the pattern's end.
        let tail = pattern == "*" && at == self.path.len();
        tail || self.path.get(at..) == Some(pattern)
    }

    /// The path with its parameters' names instead of their values.
    fn template(&self) -> String {
        let mut template = String::with_capacity(self.path.len());
        let mut at = 0;
        for parameter in &self.parameters {
            template.push_str(self.path.get(at..parameter.start).unwrap_or_default());
            template.push('{');
            template.push_str(parameter.name);
            template.push('}');
            at = parameter.end;
        }
        template.push_str(self.path.get(at..).unwrap_or_default());
        template
    }
}

impl<'a> Parameter<'a> {
    /// None for a value that is no part of the path: a middleware put it there.
    fn of(path: &str, name: &'a str, value: &str) -> Option<Self> {
        let start = value.as_ptr().addr().checked_sub(path.as_ptr().addr())?;
        let end = start.checked_add(value.len())?;
        (end <= path.len()).then_some(Parameter { name, start, end })
    }
}

/// What follows in a pattern on `{name}` or `{name:expression}`.
fn after_parameter<'a>(pattern: &'a str, name: &str) -> Option<&'a str> {
    let rest = pattern.strip_prefix('{')?.strip_prefix(name)?;
    if !rest.starts_with([':', '}']) {
        return None;
    }
    // An expression may have braces of its own: `{id:\d{4}}`.
    let mut depth = 1;
    for (i, c) in rest.char_indices() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return rest.get(i + 1..);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken<'a>(path: &'a str, parameters: &[(&'a str, &str)]) -> Taken<'a> {
        let mut at = 0;
        let parameters = parameters
            .iter()
            .map(|(name, value)| {
                let start = at + path[at..].find(value).expect("in the path");
                at = start + value.len();
                Parameter {
                    name,
                    start,
                    end: at,
                }
            })
            .collect();
        Taken {
            path,
            parameters,
            whole_path: true,
        }
    }

    #[test]
    fn patterns_fit_what_they_take() {
        let one = taken("/users/42", &[("id", "42")]);
        let two = taken("/users/42/posts/7", &[("id", "42"), ("post", "7")]);
        let none = taken("/users", &[]);
        let tail = taken("/files/a/b", &[("tail", "a/b")]);
        let empty = taken("", &[]);
        let table = [
            (&one, "/users/{id}", true),
            (&one, r"/users/{id:\d+}", true),
            (&one, r"/users/{id:\d{2}}", true),
            (&one, r"/users/{id:\d{2}}/more", false),
            (&one, "/users/{idx}", false),
            (&one, "/users/{i}", false),
            (&one, "/users/42", false),
            (&one, "/users/{id", false),
            (&one, "/users/{id:{", false),
            (&one, "/users/{id}*", true),
            (&one, "{id}", false),
            (&one, "", false),
            (&two, "/users/{id}/posts/{post}", true),
            (&two, "/users/{id}/posts/{id}", false),
            (&two, "/users/{id}", false),
            (&none, "/users", true),
            (&none, "/users*", false),
            (&none, "*", false),
            (&none, "/users/", false),
            (&tail, "/files/{tail}*", true),
            (&tail, "/files/{tail:.*}", true),
            (&tail, "/files/{tail}**", false),
            (&empty, "", true),
            (&empty, "/", false),
        ];
        for (taken, pattern, fits) in table {
            assert_eq!(
                taken.fits(pattern),
                fits,
                "{pattern} on {}",
                taken.template()
            );
        }
    }

    #[test]
    fn templates_have_names_for_values() {
        let two = taken("/users/42/posts/7", &[("id", "42"), ("post", "7")]);
        assert_eq!(two.template(), "/users/{id}/posts/{post}");
        let empty = taken("/files/", &[("tail", "")]);
        assert_eq!(empty.template(), "{tail}/files/");
    }

    #[test]
    fn a_value_from_elsewhere_is_no_parameter() {
        let path = String::from("/users/42");
        let elsewhere = String::from("42");
        assert!(Parameter::of(&path, "id", &path[7..]).is_some());
        assert!(Parameter::of(&path, "id", &elsewhere).is_none());
    }
}
