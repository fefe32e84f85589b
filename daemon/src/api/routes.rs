//! Which paths there are. A route can't be told without saying who may ask it: this is the only file that adds one to a
//! router, and it has no way to do so without a [`Need`].

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::handler::Handler;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};
use watchfire_model::access::Right;

use super::acts::Asks;
use super::gate::{self, Need};
use super::{BODY_MAX, Current, Shared, alarms, assets, guard, problem, sensors};

/// Where the interface for programs begins.
const V1: &str = "/api/v1";

/// The paths told so far.
pub(super) struct Routes {
    shared: Current,
    answers: Router<Current>,
    streams: Router<Current>,
}

impl Routes {
    pub(super) fn new(shared: Current) -> Self {
        Self { shared, answers: Router::new(), streams: Router::new() }
    }

    /// `GET` of a path under the interface for programs.
    pub(super) fn get<T: 'static>(self, path: &str, need: Need, answer: impl Handler<T, Current>) -> Self {
        self.get_plain(&format!("{V1}{path}"), need, answer)
    }

    /// `POST` to a path under the interface for programs.
    pub(super) fn post<T: 'static>(self, path: &str, need: Need, answer: impl Handler<T, Current>) -> Self {
        self.post_plain(&format!("{V1}{path}"), need, answer)
    }

    /// `POST` to a path that stands by itself.
    pub(super) fn post_plain<T: 'static>(mut self, path: &str, need: Need, answer: impl Handler<T, Current>) -> Self {
        let gated = self.gated(need, post(answer));
        self.answers = self.answers.route(path, gated);
        self
    }

    /// `GET` of a path that stands by itself.
    pub(super) fn get_plain<T: 'static>(mut self, path: &str, need: Need, answer: impl Handler<T, Current>) -> Self {
        let gated = self.gated(need, get(answer));
        self.answers = self.answers.route(path, gated);
        self
    }

    /// An event stream under the interface for programs: it has no last moment.
    pub(super) fn stream<T: 'static>(mut self, path: &str, need: Need, answer: impl Handler<T, Current>) -> Self {
        let gated = self.gated(need, get(answer));
        self.streams = self.streams.route(&format!("{V1}{path}"), gated);
        self
    }

    /// Every act on one alarm, each with its own right.
    pub(super) fn acts_on_alarms(self) -> Self {
        alarms::ACTS.into_iter().fold(self, |routes, (act, right)| {
            let path = format!("/alarms/{{rule}}/{{subject}}/{act}");
            let answer = move |shared: State<Arc<Shared>>, key: Path<(String, String)>, asks: Asks, body: Bytes| async move {
                alarms::act(act, shared, key, asks, &body).await
            };
            routes.post(&path, Need::Alarm(right), answer)
        })
    }

    /// Every act on one sensor.
    pub(super) fn acts_on_sensors(self) -> Self {
        sensors::ACTS.into_iter().fold(self, |routes, act| {
            let path = format!("/sensors/{{station}}/{{point}}/{act}");
            let answer = move |shared: State<Arc<Shared>>, sensor: Path<(String, String)>, asks: Asks, body: Bytes| async move {
                sensors::act(act, shared, sensor, asks, &body).await
            };
            routes.post(&path, Need::Sensor(Right::Maintain), answer)
        })
    }

    fn gated(&self, need: Need, route: MethodRouter<Current>) -> MethodRouter<Current> {
        route.layer(middleware::from_fn_with_state((self.shared.clone(), need), gate::gate))
    }

    /// All of it, with what every answer bears. What is no path told above is a file of the console, which anyone may
    /// have: it is where one signs in.
    pub(super) fn finish(self) -> Router {
        let Self { shared, answers, streams } = self;
        let nowhere = Router::new().fallback(problem::no_such_path);
        answers
            .nest(V1, nowhere)
            .fallback(assets::console)
            .layer(middleware::from_fn(guard::in_time))
            .merge(streams)
            .method_not_allowed_fallback(problem::no_such_method)
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .layer(middleware::from_fn_with_state(shared.clone(), guard::acts_come_from_here))
            .layer(middleware::from_fn(problem::dress))
            .layer(middleware::from_fn(guard::headers))
            .layer(middleware::from_fn_with_state(shared.clone(), guard::counted))
            .with_state(shared)
    }
}
