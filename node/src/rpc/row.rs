//! One row of the table of methods: where it is, what it says in the OpenAPI document, what it does (W-3.1).

use super::asked::{Asked, Parameter};
use super::door::Door;
use super::refused::Refused;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{MethodRouter, get, post, put};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa::openapi::{HttpMethod, RefOr, Schema};

/// A method of the door.
pub struct Row {
    /// HTTP method.
    pub verb: HttpMethod,
    /// Path, with its parameters in braces.
    pub path: &'static str,
    /// One sentence.
    pub says: &'static str,
    /// Parameters of the query.
    pub query: &'static [Parameter],
    /// Media type of the request's body; none where it has none.
    pub takes: Option<&'static str>,
    /// What it answers.
    pub answer: Answer,
    /// What does it.
    pub route: MethodRouter<Arc<Door>>,
}

/// What a method answers when all is well.
pub enum Answer {
    /// JSON of this form.
    Json(Words),
    /// Bytes of this media type.
    Bytes(&'static str),
}

/// A form of JSON, with all that it refers to.
pub struct Words {
    /// The form's name.
    pub name: String,
    /// All forms, itself included.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

impl Words {
    /// The form of a type.
    pub fn of<T: ToSchema>() -> Words {
        let name = T::name().into_owned();
        let mut schemas = vec![(name.clone(), T::schema())];
        T::schemas(&mut schemas);
        Words { name, schemas }
    }
}

/// What a method that only looks does: a function of the door and of what is asked.
pub type Look<T> = fn(&Door, &Asked) -> Result<T, Refused>;

impl Row {
    /// A method that looks something up and answers in JSON.
    pub fn look<T: Serialize + ToSchema + Send + 'static>(
        path: &'static str,
        says: &'static str,
        query: &'static [Parameter],
        look: Look<T>,
    ) -> Row {
        let handler = move |State(door): State<Arc<Door>>, asked: Asked| async move {
            asked.expect(query)?;
            let bytes = door.look(move |door| door.json(&look(door, &asked)?)).await?;
            Ok::<_, Refused>(([(CONTENT_TYPE, "application/json")], bytes))
        };
        let answer = Answer::Json(Words::of::<T>());
        Row { verb: HttpMethod::Get, path, says, query, takes: None, answer, route: get(handler) }
    }

    /// A method that looks bytes up.
    pub fn bytes(path: &'static str, says: &'static str, media: &'static str, look: Look<Vec<u8>>) -> Row {
        let handler = move |State(door): State<Arc<Door>>, asked: Asked| async move {
            asked.expect(&[])?;
            let bytes = door.look(move |door| door.hold(look(door, &asked)?)).await?;
            Ok::<_, Refused>(([(CONTENT_TYPE, media)], bytes))
        };
        let answer = Answer::Bytes(media);
        Row { verb: HttpMethod::Get, path, says, query: &[], takes: None, answer, route: get(handler) }
    }

    /// A method that answers in its own way, with a stream.
    pub fn stream<T: 'static>(
        path: &'static str,
        says: &'static str,
        query: &'static [Parameter],
        media: &'static str,
        handler: impl Handler<T, Arc<Door>>,
    ) -> Row {
        let answer = Answer::Bytes(media);
        Row { verb: HttpMethod::Get, path, says, query, takes: None, answer, route: get(handler) }
    }

    /// A method that takes a body and answers in JSON of form `A`.
    pub fn take<A: ToSchema, T: 'static>(
        verb: HttpMethod,
        path: &'static str,
        says: &'static str,
        handler: impl Handler<T, Arc<Door>>,
    ) -> Row {
        let route = match verb {
            HttpMethod::Put => put(handler),
            _ => post(handler),
        };
        let (takes, answer) = (Some("application/octet-stream"), Answer::Json(Words::of::<A>()));
        Row { verb, path, says, query: &[], takes, answer, route }
    }
}
