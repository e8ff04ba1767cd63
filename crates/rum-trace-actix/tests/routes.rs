//! `http.route` by all that actix-web can match, at each level of a wrap.

mod support;

use actix_files::Files;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::middleware::NormalizePath;
use actix_web::web::ServiceConfig;
use actix_web::{App, Error, HttpRequest, HttpResponse, guard, test, web};
use support::*;

/// Method, path, status, route.
type Row = (&'static str, &'static str, u16, Option<&'static str>);

/// Sends each row's request and reports all that are wrong.
async fn check<S, B>(spans: &Spans, app: S, table: &[Row])
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let mut wrong = Vec::new();
    for &(method, path, status, route) in table {
        let request = test::TestRequest::with_uri(path)
            .method(method.parse().expect("a method"))
            .to_request();
        let response = test::call_service(&app, request).await;
        let answered = response.status().as_u16();
        // The span ends with the body.
        let _ = test::try_read_body(response).await;
        let span = spans.one().await;
        let found = attributes(&span).get("http.route").cloned();
        let name = match route {
            Some(route) => format!("{method} {route}"),
            None => method.to_owned(),
        };
        if answered != status || found.as_deref() != route || span.name != name {
            wrong.push(format!(
                "{method} {path}: {answered}, {found:?}, {:?}",
                span.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn ok() -> &'static str {
    "ok"
}

/// All in one app, as it grows in real life.
fn services(config: &mut ServiceConfig) {
    let items = web::scope("/v1")
        .service(web::resource("/items/{id}").to(ok))
        .default_service(web::to(HttpResponse::NotFound));
    let api = web::scope("/api")
        .service(items)
        .service(web::resource("/report").guard(guard::Get()).to(ok));
    let tenant = web::scope("/tenants/{tenant}")
        .service(web::resource("/orders/{id}").to(ok))
        .service(web::resource("/posted").guard(guard::Post()).to(ok));
    let list = web::scope("/list")
        .route("", web::get().to(ok))
        .route("/all", web::get().to(ok));
    let docs = web::scope("/docs").service(Files::new("/", "src"));
    let nested_docs = web::scope("/more").service(Files::new("/docs", "src"));
    config
        .route("/", web::get().to(ok))
        .service(web::resource("/users/{id}").route(web::get().to(ok)))
        .service(web::resource(r"/orders/{id:\d{1,9}}").to(ok))
        .service(web::resource(r"/days/{day:(?P<year>\d{4})-\d+}/{n}").to(ok))
        .service(web::resource("/blob/{tail}*").to(ok))
        .service(web::resource("/gone").to(HttpResponse::NotFound))
        .service(web::resource("/sent").guard(guard::Post()).to(ok))
        .service(web::resource(["/profile", "/profile/of/{who}"]).to(ok))
        // By the path alone, each finds the other's.
        .service(web::resource("/widgets/{id}").guard(guard::Get()).to(ok))
        .service(web::resource("/widgets/sort").guard(guard::Post()).to(ok))
        .service(web::resource("/caf\u{e9}/{table}").to(ok))
        .service(api)
        .service(tenant)
        .service(list)
        .service(docs)
        .service(nested_docs)
        .service(Files::new("/static", "src").show_files_listing());
}

#[actix_web::test]
async fn of_everything_in_one_app() {
    let table: &[Row] = &[
        ("GET", "/", 200, Some("/")),
        ("GET", "/?q=1", 200, Some("/")),
        ("GET", "/users/42", 200, Some("/users/{id}")),
        ("GET", "/users/42?q=/a/b", 200, Some("/users/{id}")),
        ("GET", "/users/%34%32", 200, Some("/users/{id}")),
        ("GET", "/users/{id}", 200, Some("/users/{id}")),
        ("GET", "/orders/42", 200, Some(r"/orders/{id:\d{1,9}}")),
        (
            "GET",
            "/days/2026-326/7",
            200,
            Some(r"/days/{day:(?P<year>\d{4})-\d+}/{n}"),
        ),
        ("GET", "/blob/main/src/lib.rs", 200, Some("/blob/{tail}*")),
        ("GET", "/blob/", 200, Some("/blob/{tail}*")),
        ("GET", "/caf%C3%A9/7", 200, Some("/caf\u{e9}/{table}")),
        // A matched handler's own 404, and methods refused within a resource.
        ("GET", "/gone", 404, Some("/gone")),
        ("POST", "/users/42", 405, Some("/users/{id}")),
        // A resource of several patterns: the one that matched.
        ("GET", "/profile", 200, Some("/profile")),
        ("GET", "/profile/of/me", 200, Some("/profile/of/{who}")),
        // Guards choose between resources.
        ("GET", "/widgets/7", 200, Some("/widgets/{id}")),
        ("GET", "/widgets/sort", 200, Some("/widgets/{id}")),
        ("POST", "/widgets/sort", 200, Some("/widgets/sort")),
        ("POST", "/sent", 200, Some("/sent")),
        // Scopes.
        ("GET", "/api/report", 200, Some("/api/report")),
        ("GET", "/api/v1/items/7", 200, Some("/api/v1/items/{id}")),
        (
            "GET",
            "/tenants/acme/orders/7",
            200,
            Some("/tenants/{tenant}/orders/{id}"),
        ),
        ("GET", "/list", 200, Some("/list")),
        ("GET", "/list/all", 200, Some("/list/all")),
        // Files: their mount.
        ("GET", "/static/lib.rs", 200, Some("/static")),
        ("GET", "/static/", 200, Some("/static")),
        ("GET", "/static/none", 404, Some("/static")),
        ("POST", "/static/lib.rs", 405, Some("/static")),
        ("GET", "/docs/lib.rs", 200, Some("/docs")),
        ("GET", "/docs/none", 404, Some("/docs")),
        ("GET", "/more/docs/lib.rs", 200, Some("/more/docs")),
        // Nothing matched: in the app, in a scope and in a scope within, with
        // default services of the app's and of the scope's own.
        ("GET", "/nowhere", 404, None),
        ("GET", "/users", 404, None),
        ("GET", "/users/", 404, None),
        ("GET", "/users/42/more", 404, None),
        ("GET", "/orders/none", 404, None),
        ("GET", "/statics", 404, None),
        ("GET", "/api", 404, None),
        ("GET", "/api/", 404, None),
        ("GET", "/api/none", 404, None),
        ("GET", "/api/v1", 404, None),
        ("GET", "/api/v1/none", 404, None),
        ("GET", "/api/v1/items/7/more", 404, None),
        ("GET", "/tenants/acme", 404, None),
        ("GET", "/tenants/acme/none", 404, None),
        ("GET", "/list/none", 404, None),
        ("GET", "/more", 404, None),
        ("GET", "/more/lib.rs", 404, None),
        // A guard refused the only resource of that path.
        ("GET", "/sent", 404, None),
        ("POST", "/", 404, None),
        ("DELETE", "/widgets/7", 404, None),
        ("DELETE", "/widgets/sort", 404, None),
        ("POST", "/api/report", 404, None),
        ("GET", "/tenants/acme/posted", 404, None),
        ("POST", "/list/all", 404, None),
        // The README's exception: actix-web tells no difference.
        ("POST", "/list", 404, Some("/list")),
    ];
    let spans = Spans::new();
    let app = App::new().configure(services).wrap(spans.trace());
    check(&spans, test::init_service(app).await, table).await;
}

#[actix_web::test]
async fn of_apps_with_a_default_of_their_own() {
    let spans = Spans::new();
    let app = App::new()
        .service(web::resource("/users/{id}").guard(guard::Get()).to(ok))
        .service(web::scope("/api").service(web::resource("/x").to(ok)))
        .default_service(web::to(HttpResponse::ImATeapot))
        .wrap(spans.trace());
    let table: &[Row] = &[
        ("GET", "/users/42", 200, Some("/users/{id}")),
        ("POST", "/users/42", 418, None),
        ("GET", "/nowhere", 418, None),
        ("GET", "/", 418, None),
        ("GET", "/api", 418, None),
        ("GET", "/api/y", 418, None),
    ];
    check(&spans, test::init_service(app).await, table).await;
}

#[actix_web::test]
async fn of_files_at_the_root() {
    let spans = Spans::new();
    let app = App::new()
        .service(web::resource("/users/{id}").to(ok))
        .service(Files::new("/", "src").index_file("lib.rs"))
        .wrap(spans.trace());
    let table: &[Row] = &[
        ("GET", "/users/42", 200, Some("/users/{id}")),
        ("GET", "/", 200, Some("/")),
        ("GET", "/lib.rs", 200, Some("/")),
        ("GET", "/none/at/all", 404, Some("/")),
        ("POST", "/lib.rs", 405, Some("/")),
    ];
    check(&spans, test::init_service(app).await, table).await;
}

#[actix_web::test]
async fn of_scopes_without_a_path() {
    let spans = Spans::new();
    let app = App::new()
        .service(
            web::scope("")
                .guard(guard::fn_guard(|cx| cx.head().method != "DELETE"))
                .service(web::resource("/users/{id}").guard(guard::Get()).to(ok)),
        )
        .wrap(spans.trace());
    let table: &[Row] = &[
        ("GET", "/users/42", 200, Some("/users/{id}")),
        ("POST", "/users/42", 404, None),
        ("DELETE", "/users/42", 404, None),
        ("GET", "/nowhere", 404, None),
    ];
    check(&spans, test::init_service(app).await, table).await;
}

#[actix_web::test]
async fn of_a_path_that_a_middleware_changed() {
    let spans = Spans::new();
    let app = App::new()
        .service(web::scope("/api").service(web::resource("/users/{id}").to(ok)))
        .wrap(NormalizePath::trim())
        .wrap(spans.trace());
    let app = test::init_service(app).await;
    let request = test::TestRequest::with_uri("//api/users///42/").to_request();
    let response = test::call_service(&app, request).await;
    test::read_body(response).await;
    let found = attributes(&spans.one().await);
    assert_eq!(found["http.route"], "/api/users/{id}");
    assert_eq!(found["url.path"], "//api/users///42/");
}

#[actix_web::test]
async fn in_a_wrapped_scope() {
    let spans = Spans::new();
    let scope = web::scope("/api")
        .service(web::resource("/users/{id}").to(ok))
        .service(web::resource("/sent").guard(guard::Post()).to(ok))
        .service(web::scope("/in").service(web::resource("/{x}/{y}").to(ok)))
        .service(Files::new("/static", "src"))
        .wrap(spans.trace());
    let app = App::new()
        .service(web::resource("/outside").to(ok))
        .service(scope);
    let table: &[Row] = &[
        ("GET", "/api/users/42", 200, Some("/api/users/{id}")),
        ("GET", "/api/in/1/2", 200, Some("/api/in/{x}/{y}")),
        ("GET", "/api/static/lib.rs", 200, Some("/api/static")),
        ("GET", "/api/none", 404, None),
        ("GET", "/api/sent", 404, None),
        ("GET", "/api", 404, None),
    ];
    let app = test::init_service(app).await;
    let outside = test::TestRequest::with_uri("/outside").to_request();
    assert_eq!(test::call_and_read_body(&app, outside).await, "ok");
    assert!(spans.all().is_empty());
    check(&spans, app, table).await;
}

#[actix_web::test]
async fn on_a_wrapped_resource() {
    let spans = Spans::new();
    let users = web::resource("/users/{id}")
        .route(web::get().to(ok))
        .wrap(spans.trace());
    let app = App::new()
        .service(web::scope("/api").service(users))
        .service(web::resource("/outside").to(ok));
    let table: &[Row] = &[
        ("GET", "/api/users/42", 200, Some("/api/users/{id}")),
        ("POST", "/api/users/42", 405, Some("/api/users/{id}")),
    ];
    let app = test::init_service(app).await;
    let outside = test::TestRequest::with_uri("/outside").to_request();
    assert_eq!(test::call_and_read_body(&app, outside).await, "ok");
    assert!(spans.all().is_empty());
    check(&spans, app, table).await;
}

#[actix_web::test]
async fn of_a_handler_that_keeps_its_request() {
    let spans = Spans::new();
    // A clone that outlives the handler, and with it the request's pool.
    let kept = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let keep = kept.clone();
    let handler = move |request: HttpRequest| {
        keep.borrow_mut().push(request.clone());
        async move { request.path().to_owned() }
    };
    let app = App::new()
        .service(web::scope("/api").service(web::resource("/users/{id}").to(handler)))
        .wrap(spans.trace());
    let table: &[Row] = &[
        ("GET", "/api/users/1", 200, Some("/api/users/{id}")),
        ("GET", "/api/users/2", 200, Some("/api/users/{id}")),
    ];
    check(&spans, test::init_service(app).await, table).await;
    assert_eq!(kept.borrow().len(), 2);
}
