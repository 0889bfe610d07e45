import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { importTraces } from '../../state/api.ts'
import { navigate } from '../../state/location.ts'
import { plural } from '../../view-model/format.ts'

/** Takes in a file of traces. One trace is shown at once; of several it says how many. */
export function ImportButton({ onImported }: { onImported: () => void }): JSX.Element {
  const input = useRef<HTMLInputElement>(null)
  const result = useSignal<{ readonly text: string; readonly isGood: boolean } | undefined>(undefined)
  const take = async (file: File): Promise<void> => {
    result.value = { text: `Reading ${file.name}…`, isGood: true }
    try {
      const { traceIds, spans, rejected } = await importTraces(file)
      if (traceIds.length === 1 && rejected === 0) {
        navigate({ page: 'trace', traceId: traceIds[0]!, spanId: undefined })
        return
      }
      const lost = rejected === 0 ? '' : `; ${plural(rejected, 'span')} broke the specification`
      result.value = { text: `${plural(spans, 'span')} of ${plural(traceIds.length, 'trace')}${lost}.`, isGood: rejected === 0 }
      onImported()
    } catch (error) {
      result.value = { text: error instanceof Error ? error.message : String(error), isGood: false }
    }
  }
  return (
    <>
      <input
        ref={input}
        type="file"
        class="hidden"
        tabIndex={-1}
        accept=".json,application/json"
        aria-label="File of traces"
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0]
          // The same file may be chosen again.
          currentTarget.value = ''
          if (file !== undefined) void take(file)
        }}
      />
      <button type="button" class="button" title="JSON of OTLP, of Jaeger or of Zipkin" onClick={() => input.current?.click()}>
        Import a file
      </button>
      <span role="status" class={result.value?.isGood === false ? 'error-text' : ''}>
        {result.value?.text}
      </span>
    </>
  )
}
