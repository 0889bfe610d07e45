/** On a relay's span: how long its message lay in the outbox before it. */
export const OUTBOX_WAIT = 'seaworthy.outbox.wait_ms'
/** On a consumer's span: how long its message lay in the log before it. */
export const LOG_WAIT = 'seaworthy.log.wait_ms'
export const CORRELATION_ID = 'seaworthy.correlation_id'
/** Where OpenTracing says that a span follows from its parent, which then does not wait for it. */
export const REFERENCE_TYPE = 'opentracing.ref_type'
