//! The demo's Modbus TCP device: a longwall's methane with its status word (simulated, and marked so) and a recorded
//! pore pressure, in holding registers.

use std::future;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio_modbus::server::tcp::{Server, accept_tcp_connection};
use tokio_modbus::{ExceptionCode, Request, Response, server::Service};
use watchfire_model::reading::PointState;
use watchfire_model::time::Span;

/// Registers of the device.
const REGISTERS: usize = 16;
/// Methane, %CH4 × 100, int16; its status word follows.
pub(crate) const METHANE: u16 = 0;
/// Status word of the methane head (DOMAIN §5.4 codes).
pub(crate) const METHANE_STATE: u16 = 1;
/// Pore pressure, kPa × 100, int16.
pub(crate) const PORE_PRESSURE: u16 = 4;

/// The device's memory, shared by its connections.
#[derive(Clone, Default)]
pub(crate) struct Device(Arc<Mutex<[u16; REGISTERS]>>);

impl Device {
    /// Writes a register.
    pub(crate) fn set(&self, address: u16, value: u16) {
        let mut registers = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(register) = registers.get_mut(usize::from(address)) {
            *register = value;
        }
    }

    fn read(&self, address: u16, count: u16) -> Result<Vec<u16>, ExceptionCode> {
        let registers = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let from = usize::from(address);
        registers.get(from..from + usize::from(count)).map(<[u16]>::to_vec).ok_or(ExceptionCode::IllegalDataAddress)
    }

    /// Serves until the listener fails.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let connected = |stream, from| {
            let device = self.clone();
            async move { accept_tcp_connection(stream, from, |_| Ok(Some(Answering(device.clone())))) }
        };
        let ended = Server::new(listener).serve(&connected, |error| tracing::debug!(%error, "modbus peer")).await;
        if let Err(error) = ended {
            tracing::warn!(%error, "the demo's Modbus device has ended");
        }
    }
}

#[derive(Clone)]
struct Answering(Device);

impl Service for Answering {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = future::Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Request<'static>) -> Self::Future {
        future::ready(match request {
            Request::ReadHoldingRegisters(address, count) => {
                self.0.read(address, count).map(Response::ReadHoldingRegisters)
            }
            _ => Err(ExceptionCode::IllegalFunction),
        })
    }
}

/// The longwall as simulated: a shift that ends with a peak over power-off, over-range, restoration, and a calibration.
/// Gives %CH4 × 100 and the status word at a time since the story's beginning; repeats every ten days.
pub(crate) fn longwall(since: Span) -> (u16, PointState) {
    let hours = since.0.rem_euclid(Span::days(10).0) / Span::hours(1).0;
    match hours {
        0..=71 => (45, PointState::Normal),
        72..=95 => (78, PointState::Normal),
        96..=107 => (112, PointState::Alarm),
        108..=119 => (165, PointState::PowerOff),
        120..=125 => (400, PointState::OverRange),
        126..=137 => (130, PointState::PowerOff),
        138..=149 => (62, PointState::Restored),
        150..=200 => (41, PointState::Normal),
        201..=206 => (200, PointState::Calibrating),
        _ => (43, PointState::Normal),
    }
}
