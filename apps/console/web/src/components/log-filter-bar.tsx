import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { navigate } from '../state/location.ts'
import type { LogList } from '../state/logs.ts'
import { system } from '../state/system.ts'
import { shortId } from '../view-model/format.ts'
import { LOG_LEVELS, type LogFilter } from '../view-model/route.ts'
import { Icon } from './icon.tsx'

const TYPING_MS = 200
const IDS = [
  ['correlationId', 'Correlation id'],
  ['traceId', 'Trace'],
  ['spanId', 'Span'],
] as const

/** What is looked for. It stands in the address, so that a search can be sent to somebody. */
export function LogFilterBar({ filter, list }: { filter: LogFilter; list: LogList }): JSX.Element {
  const search = useRef<HTMLInputElement>(null)
  const typing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const change = (part: Partial<LogFilter>): void =>
    navigate({ page: 'logs', filter: { ...filter, ...part }, log: undefined }, { replace: true })
  useEffect(() => () => clearTimeout(typing.current), [])
  useEffect(() => {
    if (search.current !== null && search.current !== document.activeElement) search.current.value = filter.text
  }, [filter.text])
  const services = system.value?.services.map(({ name }) => name) ?? []
  const known = filter.service === '' || services.includes(filter.service) ? services : [...services, filter.service]
  const isPaused = !list.live.value
  return (
    <form
      class="filters"
      role="search"
      aria-label="Logs"
      onSubmit={(event) => {
        event.preventDefault()
        clearTimeout(typing.current)
        change({ text: search.current?.value ?? '' })
      }}
    >
      <label class="search">
        <span class="hidden">Words of the record, or a correlation id</span>
        <input
          ref={search}
          id="log-search"
          type="search"
          placeholder="Words, all of them"
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
      {IDS.map(
        ([name, title]) =>
          filter[name] !== '' && (
            <button
              key={name}
              type="button"
              class="button call-filter"
              title={`${title} ${filter[name]}: search all again`}
              onClick={() => change({ [name]: '' })}
            >
              {title} {shortId(filter[name])}
              <Icon name="close" />
            </button>
          ),
      )}
      <select aria-label="Service" value={filter.service} onChange={(event) => change({ service: event.currentTarget.value })}>
        <option value="">Every service</option>
        {known.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <fieldset class="segments">
        <legend class="hidden">Level</legend>
        {(['', ...LOG_LEVELS] as const).map((level) => (
          <label
            key={level}
            class={filter.level === level ? 'chosen' : ''}
            title={level === '' ? 'Whatever its level' : `${level} and worse`}
          >
            <input type="radio" name="level" value={level} checked={filter.level === level} onChange={() => change({ level })} />
            {level === '' ? 'All' : level}
          </label>
        ))}
      </fieldset>
      <button
        type="button"
        class="button"
        aria-pressed={isPaused}
        title={isPaused ? 'Show new records as they arrive' : 'Keep the list as it is'}
        onClick={() => {
          list.live.value = isPaused
          if (isPaused) void list.refresh({ isAsked: true })
        }}
      >
        {isPaused ? 'Resume' : 'Pause'}
      </button>
    </form>
  )
}
