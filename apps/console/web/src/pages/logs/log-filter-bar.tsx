import type { JSX } from 'preact'
import { navigate } from '../../state/location.ts'
import type { LogList } from './state.ts'
import { shortId } from '../../view-model/format.ts'
import { LOG_LEVELS, type LogFilter } from './route.ts'
import { Icon } from '../../components/icon.tsx'
import { PauseButton, SearchForm, ServiceSelect } from '../../components/search-form.tsx'

const IDS = [
  ['correlationId', 'Correlation id'],
  ['traceId', 'Trace'],
  ['spanId', 'Span'],
] as const

/** What is looked for. It stands in the address, so that a search can be sent to somebody. */
export function LogFilterBar({ filter, list }: { filter: LogFilter; list: LogList }): JSX.Element {
  const change = (part: Partial<LogFilter>): void =>
    navigate({ page: 'logs', filter: { ...filter, ...part }, log: undefined }, { replace: true })
  return (
    <SearchForm
      label="Logs"
      id="log-search"
      hint="Words of the record, or a correlation id"
      placeholder="Words, all of them"
      text={filter.text}
      onSearch={(text) => change({ text })}
    >
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
      <ServiceSelect service={filter.service} onChange={(service) => change({ service })} />
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
      <PauseButton
        what="records"
        isPaused={!list.live.value}
        onToggle={(isLive) => {
          list.live.value = isLive
          if (isLive) void list.refresh({ isAsked: true })
        }}
      />
    </SearchForm>
  )
}
