import { type TraceVerdict, spanTree, traceVerdict } from 'seaworthy/trace-analysis'
import type { OutlinePart } from '../../../src/otlp/outline.ts'
import { OutlineReader } from '../../../src/otlp/read-outline.ts'
import type { Span } from '../../../src/otlp/read-trace.ts'
import { pathView } from '../view-model/path-view.ts'
import { shownVerdict } from '../view-model/verdict-view.ts'
import type { AnalystAnswer, AnalystQuestion } from './trace-analyst.ts'

/** The analyst's thread: judges one trace at a time, and keeps the verdict to be asked about its spans. */
let verdict: TraceVerdict<Span> | undefined

function answer(question: AnalystQuestion): AnalystAnswer {
  const { number } = question
  switch (question.kind) {
    case 'judge': {
      const reader = new OutlineReader()
      for (const line of question.lines) reader.add(JSON.parse(line) as OutlinePart)
      const spans = reader.trace()?.spans ?? []
      verdict = traceVerdict(spans)
      return { kind: 'judgement', number, judgement: verdict && { verdict: shownVerdict(verdict), path: pathView(spanTree(spans)) } }
    }
    case 'parts':
      return { kind: 'parts', number, parts: verdict?.partsOf(question.spanId) }
  }
}

addEventListener('message', ({ data }: MessageEvent<AnalystQuestion>) => postMessage(answer(data)))
