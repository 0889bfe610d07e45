import { type Finding, type TraceVerdict, type Verdict, sentence, traceVerdict } from 'seaworthy/trace-analysis'
import type { CausePart, FoundCause, PathAnswer, VerdictAnswer } from '../http/answers.ts'
import { type OtlpTrace, type Span, readTrace } from '../otlp/read-trace.ts'

/** Where the time of a stored trace went; undefined when it has no spans. */
export function verdictOf(otlp: OtlpTrace): TraceVerdict<Span> | undefined {
  const trace = readTrace(otlp)
  return trace === undefined ? undefined : traceVerdict(trace.spans)
}

export function verdictAnswer(traceId: string, { answer, whole, doubts }: TraceVerdict<Span>): VerdictAnswer {
  return { traceId, ...pathAnswer(answer), whole: whole === undefined ? null : pathAnswer(whole), doubts }
}

function pathAnswer(verdict: Verdict<Span>): PathAnswer {
  const { durationUs, parts, findings, repetitions } = verdict
  return {
    sentence: sentence(verdict),
    durationMs: durationUs / 1_000,
    parts: parts.map(({ cause, us }): CausePart => ({ cause, ms: us / 1_000, ratio: durationUs === 0 ? 0 : us / durationUs })),
    findings: findings.map(foundCause),
    repetitions: repetitions.map(({ service, peer, span, count, failed, us, ratio }) => ({
      service,
      peer: peer ?? null,
      name: span.name,
      spanId: span.spanId,
      count,
      failed,
      ms: us / 1_000,
      ratio,
    })),
  }
}

function foundCause({ cause, service, peer, us, ratio, span, spanCount, lockHolder }: Finding<Span>): FoundCause {
  return {
    cause,
    service,
    peer: peer ?? null,
    ms: us / 1_000,
    ratio,
    spanId: span.spanId,
    name: span.name,
    spanCount,
    lockHolder: lockHolder ?? null,
  }
}
