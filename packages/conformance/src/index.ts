/**
 * Conformance: sixteen tests that any transactional outbox on PostgreSQL must stand, in whatever language it is written.
 *
 * The problem: an outbox works until commits overtake each other, a process dies in the middle, or a standby is slow, and nobody has tried.
 * The guarantee: every fault is inflicted from outside, on real processes and a real server, and a test whose fault did not come says so; what a product
 * does not have is reported as that; and everything that was started is gone afterwards.
 * Not promised: that a product which passes has no other defect. Timing is bounded, and never what is judged, except where being held up is the question.
 */
export type {
  Application,
  ConsumerContext,
  ConsumerRole,
  Execute,
  Lacks,
  LogEntry,
  Message,
  OutboxAdapter,
  OutboxEvent,
  RelayContext,
  Role,
} from './adapter.ts'
export { type ConformanceOptions, type ConformanceReport, type ConformanceResult, isConformant, runOutboxConformance } from './run.ts'
export type { Scale } from './trial.ts'
export type { ConformanceTest, Finding } from './conformance-test.ts'
export { markdownOf, resultLine, summaryLine } from './report.ts'
export { OUTBOX_TESTS } from './tests/index.ts'
export { SHIPPED_ADAPTERS } from './load-adapter.ts'
export { AdapterError, NotPutError } from './errors.ts'
