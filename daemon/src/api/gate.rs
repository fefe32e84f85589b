//! The one place where it is asked who somebody is and whether they may: every route passes here, with what it needs.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::connect_info::ConnectInfo;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use watchfire_model::access::{Denied, On, Right};
use watchfire_model::alarm::AlarmKey;
use watchfire_model::deed::{Deed, Done};
use watchfire_model::id::{AreaId, HazardId, WarningId};

use super::acts::record_soon;
use super::guard;
use super::listener::Peer;
use super::problem::Problem;
use super::{Current, Shared};
use crate::access::{By, Caller, Via};
use crate::metrics::door::Shut;

/// The cookie that holds a console's session key.
pub(super) const COOKIE: &str = "watchfire-session";

/// Who may ask something.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need {
    /// Anyone: it tells nothing of the site and changes nothing, or proves who asks by itself.
    Open,
    /// Supervisors and collectors: without a name as far as the configuration lets them, else whoever may look.
    Probe,
    /// Whoever has proven who they are.
    SignedIn,
    /// Whoever has the right.
    Right(Right),
    /// Whoever has the right for the hazard and area of the warning that the path names.
    Warning(Right),
    /// Whoever has the right for the hazard and area of the alarm that the path names.
    Alarm(Right),
    /// Whoever has the right in the area of the sensor that the path names, for every hazard that it is watched for.
    Sensor(Right),
}

/// What a path names.
struct Named {
    warning: Option<WarningId>,
    alarm: Option<AlarmKey>,
    /// Station and point.
    sensor: Option<(String, String)>,
}

impl Named {
    fn read(params: &RawPathParams) -> Self {
        let find = |wanted| params.iter().find(|(name, _)| *name == wanted).map(|(_, text)| text.to_owned());
        let alarm = find("rule").zip(find("subject"));
        Self {
            warning: find("id").map(WarningId::from),
            sensor: find("station").zip(find("point")),
            alarm: alarm.map(|(rule, subject)| AlarmKey { rule: rule.into(), subject: subject.into() }),
        }
    }

    /// The hazards and areas that it concerns, as far as they are known here.
    fn places(&self, need: Need, shared: &Shared) -> Vec<(HazardId, AreaId)> {
        match (need, &self.sensor) {
            (Need::Sensor(_), Some((station, point))) => watched(shared, station, point),
            _ => self.place(need, shared).into_iter().collect(),
        }
    }

    fn place(&self, need: Need, shared: &Shared) -> Option<(HazardId, AreaId)> {
        let desk = shared.api.views.desk.borrow();
        match need {
            Need::Warning(_) => {
                let known = desk.warnings.iter().find(|known| Some(&known.id) == self.warning.as_ref())?;
                Some((known.hazard.clone(), known.area.clone()))
            }
            Need::Alarm(_) => {
                let key = self.alarm.as_ref()?;
                let known = desk.alarms.iter().find(|known| known.key == *key);
                known.map(|known| (known.hazard.clone(), known.area.clone())).or_else(|| of_the_site(shared, key))
            }
            Need::Open | Need::Probe | Need::SignedIn | Need::Right(_) | Need::Sensor(_) => None,
        }
    }
}

/// What a sensor is watched for, and where.
fn watched(shared: &Shared, station: &str, point: &str) -> Vec<(HazardId, AreaId)> {
    let site = &shared.api.views.site;
    let found = site.find_point(station, point).and_then(|ix| site.station_of(ix).zip(site.point(ix)));
    let Some((station, point)) = found else { return Vec::new() };
    let rules = site.rules.iter().filter(|rule| rule.watch.names(point));
    rules.map(|rule| (rule.hazard.clone(), station.area.clone())).collect()
}

/// Where an alarm that is quiet would stand.
fn of_the_site(shared: &Shared, key: &AlarmKey) -> Option<(HazardId, AreaId)> {
    let site = &shared.api.views.site;
    let rule = site.rules.iter().find(|rule| rule.id == key.rule)?;
    let subject = key.subject.as_str();
    let area = match subject.strip_prefix("area:") {
        Some(area) => AreaId::from(area),
        None => {
            let station = subject.split('/').next().unwrap_or(subject);
            site.stations.iter().find(|known| known.id.as_str() == station)?.area.clone()
        }
    };
    Some((rule.hazard.clone(), area))
}

/// What a request says of who sends it.
pub(super) struct Presented {
    secret: Option<(String, Via)>,
    address: IpAddr,
    /// Whether the name it was sent to is one of ours.
    to_us: bool,
    /// Whether a page of ours sent it, as its browser says.
    from_page: bool,
}

impl Presented {
    fn read(headers: &HeaderMap, peer: Option<&ConnectInfo<Peer>>, hosts: &[String]) -> Self {
        let bearer = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
        let bearer = bearer.map(|text| text.strip_prefix("Bearer ").unwrap_or_default().trim().to_owned());
        let secret = bearer.map(|key| (key, Via::Bearer)).or_else(|| Some((cookie(headers)?, Via::Cookie)));
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        Self {
            secret,
            address: address(peer),
            to_us: host.is_none_or(|host| guard::is_ours(host, hosts)),
            from_page: headers.contains_key(header::ORIGIN),
        }
    }
}

fn address(peer: Option<&ConnectInfo<Peer>>) -> IpAddr {
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.0.ip().to_canonical())
}

/// The session key in a cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

/// Lets a request through to its route, or not.
pub(super) async fn gate(
    State((current, need)): State<(Current, Need)>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let shared = current.get();
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    let presented = Presented::read(request.headers(), peer, &shared.api.access.config().hosts);
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    match admit(&shared, need, &presented, writes, &Named::read(&params)) {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            request.extensions_mut().insert(Whence(presented.address));
            next.run(request).await
        }
        Err((shut, problem)) => {
            shared.api.metrics.shut(shut);
            problem.into_response()
        }
    }
}

fn admit(
    shared: &Arc<Shared>,
    need: Need,
    presented: &Presented,
    writes: bool,
    named: &Named,
) -> Result<Option<Caller>, (Shut, Problem)> {
    let caller = identify(shared, presented);
    let right = match need {
        Need::Open => return Ok(caller),
        Need::Probe if shared.api.access.tells_probes(presented.address) => return Ok(caller),
        Need::SignedIn => None,
        Need::Probe => Some(Right::Look),
        Need::Right(right) | Need::Warning(right) | Need::Alarm(right) | Need::Sensor(right) => Some(right),
    };
    let Some(caller) = caller.filter(|caller| right.is_some() || caller.is_proven()) else {
        return Err((Shut::Unknown, Problem::unauthorized("sign in first, or send a token: Authorization: Bearer …")));
    };
    if writes && let By::Session { means: crate::access::session::Means::Console, idle, .. } = caller.by {
        // A browser sends the cookie by itself; only our own page's wish counts.
        if !presented.from_page {
            return Err((Shut::Origin, Problem::new(StatusCode::FORBIDDEN, "a console's act comes from its own page")));
        }
        if idle {
            return Err((Shut::Idle, Problem::unauthorized("nobody was here for a while: sign in again to act")));
        }
    }
    let Some(right) = right else { return Ok(Some(caller)) };
    let places = named.places(need, shared);
    let everywhere = places.iter().try_for_each(|(hazard, area)| caller.may(right, On::Place { hazard, area }));
    let may = if places.is_empty() { caller.may(right, On::Site) } else { everywhere };
    match may {
        Ok(()) => Ok(Some(caller)),
        Err(denied) => {
            let shut = why_shut(&denied);
            let problem = Problem::new(StatusCode::FORBIDDEN, denied.to_string());
            // Asked for a person's act on a warning that there is: the ledger has it like any other refused command.
            if let (Some(warning), true) = (named.warning.as_ref().filter(|_| !places.is_empty()), right.is_a_persons())
            {
                note(shared, &caller, right, warning.clone(), denied);
            }
            Err((shut, problem))
        }
    }
}

const fn why_shut(denied: &Denied) -> Shut {
    match denied {
        Denied::Role { .. } => Shut::Role,
        Denied::Scope => Shut::Scope,
        Denied::Nobody => Shut::Nobody,
    }
}

/// For a route whose place only its body names: its [`Need::Right`] lets in whoever has the right somewhere, and here it
/// is asked for this place.
pub(super) fn allow(shared: &Shared, caller: &Caller, right: Right, on: On<'_>) -> Result<(), Problem> {
    caller.may(right, on).map_err(|denied| {
        shared.api.metrics.shut(why_shut(&denied));
        Problem::new(StatusCode::FORBIDDEN, denied.to_string())
    })
}

fn note(shared: &Arc<Shared>, caller: &Caller, right: Right, warning: WarningId, denied: Denied) {
    if shared.api.access.refused(caller) {
        let (who, why) = (caller.account.name.clone(), denied.to_string());
        record_soon(shared, Deed { who, why, from: caller.from(), what: Done::Denied { right, warning, denied } });
    }
}

fn identify(shared: &Shared, presented: &Presented) -> Option<Caller> {
    let access = &shared.api.access;
    let held = presented.secret.as_ref().and_then(|(secret, via)| access.holder(secret, *via, presented.address));
    match &presented.secret {
        // A program that means to be somebody is not taken for nobody.
        Some((_, Via::Bearer)) => held,
        // A name that was made to point at us must not let a foreign page read what whoever says no name may.
        _ => held.or_else(|| access.nobody(presented.address).filter(|_| presented.to_us)),
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whence(pub(super) IpAddr);

impl<S: Sync> FromRequestParts<S> for Whence {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().copied().ok_or_else(|| Problem::unavailable("this path has no gate"))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::unauthorized("sign in first").into_response())
    }
}

/// Whoever asks, if anybody is known to.
pub(super) struct Perhaps(pub(super) Option<Caller>);

impl<S: Sync> FromRequestParts<S> for Perhaps {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}
