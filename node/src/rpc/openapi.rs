//! The OpenAPI document, made from the table of methods: what is served is what is documented (W-3.1).

use super::asked::Parameter as Asks;
use super::refused::ErrorBody;
use super::row::{Answer, Row, Words};
use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Paths,
    Ref, RefOr, Required, ResponseBuilder, Schema,
};

/// The document.
pub fn document(rows: &[Row], version: &str) -> OpenApi {
    let mut schemas: BTreeMap<String, RefOr<Schema>> = Words::of::<ErrorBody>().schemas.into_iter().collect();
    let mut paths = Paths::new();
    for row in rows {
        if let Answer::Json(words) = &row.answer {
            schemas.extend(words.schemas.iter().cloned());
        }
        paths.add_path_operation(row.path, vec![row.verb.clone()], operation(row));
    }
    let info = InfoBuilder::new()
        .title("Retrace node")
        .version(version)
        .description(Some("What a node of a Retrace network tells and takes. The law is specs/rpc.md."));
    let components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
    OpenApiBuilder::new().info(info.build()).paths(paths).components(Some(components)).build()
}

fn operation(row: &Row) -> Operation {
    let in_path = names_in(row.path).map(|name| parameter(name, ParameterIn::Path, None));
    let in_query =
        row.query.iter().map(|Asks { name, says }| parameter(name, ParameterIn::Query, Some(says)));
    let (media, content) = match &row.answer {
        Answer::Json(words) => ("application/json", reference(&words.name)),
        Answer::Bytes(media) => (*media, binary()),
    };
    let answer = ResponseBuilder::new().description("as asked").content(media, content);
    let refusal = ResponseBuilder::new()
        .description("refused, and why")
        .content("application/json", reference("ErrorBody"));
    let body = row.takes.map(|media| {
        RequestBodyBuilder::new().required(Some(Required::True)).content(media, binary()).build()
    });
    OperationBuilder::new()
        .operation_id(Some(operation_id(row)))
        .summary(Some(row.says))
        .parameters(Some(in_path.chain(in_query)))
        .request_body(body)
        .response("200", answer)
        .response("default", refusal)
        .build()
}

/// `GET /v1/runs/{id}/rounds/{n}` is `get_runs_id_rounds_n`.
fn operation_id(row: &Row) -> String {
    let verb = match row.verb {
        utoipa::openapi::HttpMethod::Put => "put",
        utoipa::openapi::HttpMethod::Post => "post",
        _ => "get",
    };
    let words = row.path.split(['/', '{', '}', '.']).filter(|word| !word.is_empty() && *word != "v1");
    words.fold(verb.to_string(), |id, word| format!("{id}_{word}"))
}

fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|part| part.split('}').next())
}

fn parameter(name: &str, place: ParameterIn, says: Option<&str>) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    let text = ObjectBuilder::new().schema_type(Type::String);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(says)
        .schema(Some(text))
        .build()
}

fn reference(name: &str) -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build()
}

fn binary() -> Content {
    let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
    let bytes = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
    ContentBuilder::new().schema(Some(bytes)).build()
}
