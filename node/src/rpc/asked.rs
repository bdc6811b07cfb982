//! What a request asks for: parameters of its path and its query, bounded and read one by one (W-3.1, W-3.4).

use super::limits::{PAGE_DEFAULT, PAGE_MAX};
use super::refused::Refused;
use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use retrace_ledger::Height;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::PeerKey;

/// Most parameters of a query.
const PARAMETERS_MAX: usize = 16;

/// The parameters of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

/// A parameter that a method takes in its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub says: &'static str,
}

/// How many items a page has.
pub const LIMIT: Parameter =
    Parameter { name: "limit", says: "most items of the page: 50 if left out, at most 200" };
/// Where a page begins.
pub const AFTER: Parameter =
    Parameter { name: "after", says: "the cursor that the page before gave as `next`" };

/// A page of a list: how many items, after which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Most items.
    pub limit: usize,
    /// The cursor that the page before gave.
    pub after: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Asked, Refused> {
        let unreadable = |what: &str| {
            let message = format!("the {what} of the request is no text");
            Refused::new(StatusCode::BAD_REQUEST, "parameter", message, "escape it as a URL says")
        };
        let path = RawPathParams::from_request_parts(parts, state).await.map_err(|_| unreadable("path"))?;
        let query =
            Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(|_| unreadable("query"))?;
        let path = path.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Ok(Asked { path, query: query.0 })
    }
}

impl Asked {
    /// Refuses parameters of the query that the method does not have: a misspelled filter must not mean "all".
    pub fn expect(&self, known: &[Parameter]) -> Result<(), Refused> {
        if self.query.len() > PARAMETERS_MAX {
            return Err(Refused::parameter("query", "too long", "at most 16 parameters"));
        }
        let names: Vec<&str> = known.iter().map(|parameter| parameter.name).collect();
        match self.query.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) if names.is_empty() => Err(Refused::parameter("query", name, "no parameters")),
            Some((name, _)) => {
                Err(Refused::parameter("query", name, &format!("one of {}", names.join(", "))))
            }
        }
    }

    fn in_path(&self, name: &str) -> &str {
        self.path.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str())
    }

    /// A parameter of the query as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The text of a parameter of the path.
    pub fn word(&self, name: &str) -> &str {
        self.in_path(name)
    }

    /// A digest of the path.
    pub fn digest(&self, name: &str) -> Result<Digest, Refused> {
        digest(name, self.in_path(name))
    }

    /// A key of the path.
    pub fn key(&self, name: &str) -> Result<PeerKey, Refused> {
        self.digest(name).map(|digest| PeerKey(digest.0))
    }

    /// A height of the path.
    pub fn height(&self, name: &str) -> Result<Height, Refused> {
        number(name, self.in_path(name)).map(Height)
    }

    /// A number of the path.
    pub fn number(&self, name: &str) -> Result<u64, Refused> {
        number(name, self.in_path(name))
    }

    /// A digest of the query.
    pub fn digest_of(&self, name: &str) -> Result<Option<Digest>, Refused> {
        self.text(name).map(|text| digest(name, text)).transpose()
    }

    /// A number of the query.
    pub fn number_of(&self, name: &str) -> Result<Option<u64>, Refused> {
        self.text(name).map(|text| number(name, text)).transpose()
    }

    /// A yes or no of the query.
    pub fn flag_of(&self, name: &str) -> Result<Option<bool>, Refused> {
        let flag = |text: &str| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Refused::parameter(name, text, "true or false")),
        };
        self.text(name).map(flag).transpose()
    }

    /// The page that is asked for; a limit above the most that is given counts as the most.
    pub fn page(&self) -> Result<Page, Refused> {
        let limit = self.number_of("limit")?.map_or(PAGE_DEFAULT, |n| usize::try_from(n).unwrap_or(PAGE_MAX));
        Ok(Page { limit: limit.clamp(1, PAGE_MAX), after: self.text("after").map(str::to_string) })
    }
}

impl Page {
    /// The cursor as a digest.
    pub fn after_digest(&self) -> Result<Option<Digest>, Refused> {
        self.after.as_deref().map(|text| digest("after", text)).transpose()
    }

    /// The cursor as a number.
    pub fn after_number(&self) -> Result<Option<u64>, Refused> {
        self.after.as_deref().map(|text| number("after", text)).transpose()
    }
}

fn digest(name: &str, text: &str) -> Result<Digest, Refused> {
    text.parse().map_err(|_| Refused::parameter(name, text, "64 lowercase hexadecimal digits"))
}

fn number(name: &str, text: &str) -> Result<u64, Refused> {
    text.parse().map_err(|_| Refused::parameter(name, text, "a whole number"))
}

#[cfg(test)]
mod tests {
    use super::{AFTER, Asked, LIMIT, Page};
    use retrace_verifier::digest::Digest;

    fn asked(pairs: &[(&str, &str)]) -> Asked {
        let query = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Asked { path: Vec::new(), query }
    }

    /// W-3.4: a page has 50 items if nobody says, at least 1 and at most 200.
    #[test]
    fn pages_are_bounded() {
        let page = |pairs: &[(&str, &str)]| asked(pairs).page().map(|page| page.limit);
        assert_eq!(page(&[]), Ok(50));
        assert_eq!(page(&[("limit", "0")]), Ok(1));
        assert_eq!(page(&[("limit", "100000000000000000")]), Ok(200));
        assert_eq!(page(&[("limit", "ten")]).unwrap_err().name, "parameter");
        let cursor = Page { limit: 1, after: Some("zz".into()) };
        assert!(cursor.after_digest().is_err() && cursor.after_number().is_err());
    }

    /// W-3.1: a parameter that the method does not have is refused by name, and what it has is listed.
    #[test]
    fn unknown_parameters_are_refused() {
        let refused = asked(&[("limits", "3")]).expect(&[LIMIT, AFTER]).unwrap_err();
        assert_eq!((refused.name, refused.status.as_u16()), ("parameter", 400));
        assert!(refused.message.contains("limits") && refused.message.contains("limit, after"));
        assert!(asked(&[("limit", "3")]).expect(&[LIMIT]).is_ok());
        let many: Vec<(&str, &str)> = vec![("limit", "3"); 17];
        assert!(asked(&many).expect(&[LIMIT]).is_err());
    }

    /// W-3.1: digests and keys have one spelling.
    #[test]
    fn digests_have_one_spelling() {
        let text = Digest([0xAB; 32]).to_string();
        assert_eq!(asked(&[("run", &text)]).digest_of("run"), Ok(Some(Digest([0xAB; 32]))));
        assert!(asked(&[("run", &text.to_uppercase())]).digest_of("run").is_err());
        assert_eq!(asked(&[]).digest_of("run"), Ok(None));
    }
}
