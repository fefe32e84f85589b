//! One Modbus TCP connection: one request at a time, an answer is the answer to its own request or none at all. The only
//! file that names `tokio_modbus`, which has no time-outs, no reconnection, and takes answers of the wrong length for right.
//!
//! After any time-out or error of transport or protocol the connection is dropped: what still travels on it could be taken
//! for the answer to a later request.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio_modbus::client::{Client, Context, tcp};
use tokio_modbus::slave::{Slave, SlaveContext};
use tokio_modbus::{ExceptionCode, Request, Response};

use crate::config::Register;

/// What the registers or coils held; a coil is 0 or 1.
pub type Words = Vec<u16>;

/// Why there are no words. Cut by whose fault it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The device answered, and refused: its points are at fault, the link is well.
    #[error("exception {code}: {meaning}")]
    Refused {
        /// The exception code.
        code: u8,
        /// In words.
        meaning: &'static str,
    },
    /// No answer in time, or one that was not ours. The connection was dropped.
    #[error("{0}")]
    NoAnswer(String),
    /// The connection could not be made.
    #[error("cannot connect: {0}")]
    NoConnection(String),
}

/// The exception of a device for an address it does not have.
pub const ILLEGAL_ADDRESS: u8 = 2;
/// The exception of a device for a number of registers it does not give at once.
pub const ILLEGAL_VALUE: u8 = 3;
/// The exceptions of a gateway whose device is not there.
pub const GATEWAY: [u8; 2] = [0x0a, 0x0b];

/// One connection, made when it is needed.
pub struct Link {
    host: String,
    port: u16,
    pause_after_connect: Duration,
    context: Option<Context>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Link {
    /// To `host`; opens nothing yet.
    pub const fn new(host: String, port: u16, pause_after_connect: Duration) -> Self {
        Self { host, port, pause_after_connect, context: None }
    }

    /// Whether the connection stands.
    pub const fn is_up(&self) -> bool {
        self.context.is_some()
    }

    /// Makes the connection, if it does not stand.
    pub async fn connect(&mut self, patience: Duration) -> Result<(), ReadError> {
        if self.context.is_some() {
            return Ok(());
        }
        let refuse = |error: std::io::Error| ReadError::NoConnection(error.to_string());
        let stream = tokio::time::timeout(patience, TcpStream::connect((self.host.as_str(), self.port)))
            .await
            .map_err(|_| ReadError::NoConnection(format!("no answer within {patience:?}")))?
            .map_err(refuse)?;
        stream.set_nodelay(true).map_err(refuse)?;
        tokio::time::sleep(self.pause_after_connect).await;
        self.context = Some(tcp::attach(stream));
        Ok(())
    }

    /// Reads `count` registers or coils of a unit from `address` on. Exactly that many come back, or none.
    pub async fn read(
        &mut self,
        unit: u8,
        register: Register,
        address: u16,
        count: u16,
        patience: Duration,
    ) -> Result<Words, ReadError> {
        self.connect(patience).await?;
        // Taken out, and put back only after a sound answer: a wait given up drops the connection too.
        let Some(mut context) = self.context.take() else {
            return Err(ReadError::NoAnswer("the connection is gone".to_owned()));
        };
        context.set_slave(Slave(unit));
        let request = match register {
            Register::Holding => Request::ReadHoldingRegisters(address, count),
            Register::Input => Request::ReadInputRegisters(address, count),
            Register::Coil => Request::ReadCoils(address, count),
            Register::Discrete => Request::ReadDiscreteInputs(address, count),
        };
        let answer = match tokio::time::timeout(patience, context.call(request)).await {
            Err(_) => return Err(ReadError::NoAnswer(format!("no answer within {patience:?}"))),
            Ok(Err(error)) => return Err(ReadError::NoAnswer(format!("no sound answer: {error}"))),
            Ok(Ok(Err(exception))) => {
                self.context = Some(context);
                return Err(ReadError::Refused { code: exception.into(), meaning: meaning(exception) });
            }
            Ok(Ok(Ok(answer))) => answer,
        };
        let words = match (register, answer) {
            (Register::Holding, Response::ReadHoldingRegisters(words))
            | (Register::Input, Response::ReadInputRegisters(words))
                if words.len() == usize::from(count) =>
            {
                words
            }
            (Register::Coil, Response::ReadCoils(coils)) | (Register::Discrete, Response::ReadDiscreteInputs(coils))
                // Coils come eight to a byte, the last byte filled up.
                if coils.len() == usize::from(count).next_multiple_of(8) =>
            {
                coils.into_iter().take(usize::from(count)).map(u16::from).collect()
            }
            (Register::Holding | Register::Input | Register::Coil | Register::Discrete, _) => {
                return Err(ReadError::NoAnswer(format!("the answer does not hold the {count} values asked for")));
            }
        };
        self.context = Some(context);
        Ok(words)
    }
}

const fn meaning(exception: ExceptionCode) -> &'static str {
    match exception {
        ExceptionCode::IllegalFunction => "the device does not know the function",
        ExceptionCode::IllegalDataAddress => "the device has no such address",
        ExceptionCode::IllegalDataValue => "the device does not give that many at once",
        ExceptionCode::ServerDeviceFailure => "the device has failed",
        ExceptionCode::Acknowledge => "the device needs more time",
        ExceptionCode::ServerDeviceBusy => "the device is busy",
        ExceptionCode::MemoryParityError => "the device's memory is faulty",
        ExceptionCode::GatewayPathUnavailable => "the gateway has no way to the device",
        ExceptionCode::GatewayTargetDevice => "the device does not answer its gateway",
        ExceptionCode::Custom(_) => "an exception of the device's own",
    }
}
