//! Sources against the real thing: mosquitto, and devices and brokers that misbehave byte by byte.

mod acknowledgement;
mod broker;
mod journal;
mod loss;
mod modbus;
mod oversize;
mod stub;
mod tls;
