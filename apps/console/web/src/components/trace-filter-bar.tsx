import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { navigate } from '../state/location.ts'
import { system } from '../state/system.ts'
import type { Place } from '../../../src/map/call-matcher.ts'
import { placeName } from '../view-model/place.ts'
import type { TraceFilter } from '../view-model/route.ts'
import { Icon } from './icon.tsx'
import type { TraceList } from '../state/trace-list.ts'

const DURATIONS = [0, 10, 50, 100, 500, 1_000, 5_000] as const
const OUTCOMES = [
  { value: '', text: 'All', title: 'However they ended' },
  { value: 'ok', text: 'Succeeded', title: 'Answered with what was asked for' },
  { value: 'rejected', text: 'Rejected', title: 'Answered with 4xx, or by an event such as order.rejected: nothing broke' },
  { value: 'failed', text: 'Failed', title: 'Answered with 5xx, or not at all' },
] as const
const TYPING_MS = 200

/** What is looked for. It stands in the address, so that a search can be sent to somebody. */
export function TraceFilterBar({ filter, list }: { filter: TraceFilter; list: TraceList }): JSX.Element {
  const search = useRef<HTMLInputElement>(null)
  const typing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const change = (part: Partial<TraceFilter>): void => navigate({ page: 'traces', filter: { ...filter, ...part } }, { replace: true })
  useEffect(() => () => clearTimeout(typing.current), [])
  useEffect(() => {
    // The address changed by other means: a link, the browser's history.
    if (search.current !== null && search.current !== document.activeElement) search.current.value = filter.text
  }, [filter.text])
  const services = system.value?.services.map(({ name }) => name) ?? []
  const known = filter.service === '' || services.includes(filter.service) ? services : [...services, filter.service]
  const isPaused = !list.live.value
  return (
    <form
      class="filters"
      role="search"
      aria-label="Traces"
      onSubmit={(event) => {
        event.preventDefault()
        clearTimeout(typing.current)
        change({ text: search.current?.value ?? '' })
      }}
    >
      <label class="search">
        <span class="hidden">Search by name, service, correlation id or trace id</span>
        <input
          ref={search}
          id="trace-search"
          type="search"
          placeholder="Name, service, correlation id or trace id"
          defaultValue={filter.text}
          autocomplete="off"
          spellcheck={false}
          maxLength={200}
          onInput={(event) => {
            const { value } = event.currentTarget
            clearTimeout(typing.current)
            typing.current = setTimeout(() => change({ text: value }), TYPING_MS)
          }}
          onKeyDown={(event) => {
            if (event.key === 'ArrowDown') {
              event.preventDefault()
              document.querySelector<HTMLElement>('a.row-link')?.focus()
            }
            if (event.key !== 'Escape') return
            // The browser would clear the box alone, and nobody would hear of it.
            event.preventDefault()
            clearTimeout(typing.current)
            if (event.currentTarget.value === '') event.currentTarget.blur()
            event.currentTarget.value = ''
            if (filter.text !== '') change({ text: '' })
          }}
        />
        <kbd aria-hidden="true">/</kbd>
      </label>
      {filter.call !== undefined && (
        <button
          type="button"
          class="button call-filter"
          title="Show the traces of other calls too"
          onClick={() => change({ call: undefined })}
        >
          {placeName(filter.call.caller as Place)} → {placeName(filter.call.callee as Place)}
          <Icon name="close" />
        </button>
      )}
      <select aria-label="Service" value={filter.service} onChange={(event) => change({ service: event.currentTarget.value })}>
        <option value="">Every service</option>
        {known.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <select
        aria-label="Duration"
        value={String(filter.minDurationMs)}
        onChange={(event) => change({ minDurationMs: Number(event.currentTarget.value) })}
      >
        {DURATIONS.map((ms) => (
          <option key={ms} value={String(ms)}>
            {ms === 0 ? 'Any duration' : `≥ ${ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`}`}
          </option>
        ))}
      </select>
      <fieldset class="segments">
        <legend class="hidden">Outcome</legend>
        {OUTCOMES.map(({ value, text, title }) => (
          <label key={value} class={filter.outcome === value ? 'chosen' : ''} title={title}>
            <input
              type="radio"
              name="outcome"
              value={value}
              checked={filter.outcome === value}
              onChange={() => change({ outcome: value })}
            />
            {text}
          </label>
        ))}
      </fieldset>
      <label class="switch" title="Traces that nobody asked for: polls, projections, timers">
        <input
          type="checkbox"
          checked={filter.showsBackground}
          onChange={(event) => change({ showsBackground: event.currentTarget.checked })}
        />
        Background work
      </label>
      <button
        type="button"
        class="button"
        aria-pressed={isPaused}
        title={isPaused ? 'Show new traces as they arrive' : 'Keep the list as it is'}
        onClick={() => {
          list.live.value = isPaused
          if (isPaused) void list.refresh()
        }}
      >
        {isPaused ? 'Resume' : 'Pause'}
      </button>
    </form>
  )
}
