import { loopStretch, verdictAttributes } from 'seaworthy/trace-analysis'
import { SUBJECT_ATTRIBUTES } from './attempts.ts'
import { CORRELATION_ID, LOG_WAIT, OUTBOX_WAIT, REFERENCE_TYPE } from './attribute-names.ts'
import { OUTCOME_ATTRIBUTES } from './outcome.ts'
import { REQUEST_ATTRIBUTES } from './served-request.ts'

/**
 * Attributes that rows, critical path, verdict and the head of a trace look at; all others are asked for with their span. A stored span has these apart from the others: a
 * change takes a version of the store's schema that has the outlines of spans from before read whole bodies (`UPDATE span SET outline_reads_body = 1`).
 */
export const OUTLINE_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...verdictAttributes,
  loopStretch.ms,
  loopStretch.cpuMs,
  loopStretch.own,
  ...OUTCOME_ATTRIBUTES,
  ...REQUEST_ATTRIBUTES,
  ...SUBJECT_ATTRIBUTES,
  REFERENCE_TYPE,
  OUTBOX_WAIT,
  LOG_WAIT,
  CORRELATION_ID,
])
