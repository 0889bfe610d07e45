import type { JSX } from 'preact'
import type { LabReport } from '@seaworthy/supervisor'
import type { LabsStore } from './state.ts'

/** What a run drew and printed. */
export function LabReportView({ report }: { report: LabsStore['report']['value'] }): JSX.Element {
  if (report.kind === 'loading') return <p class="part-note">Reading the report…</p>
  if (report.kind === 'failed') return <p class="part-note error-text">{report.why}</p>
  const { lab, run, figures, printed } = report.value
  const url = (figure: string) => `/api/labs/${lab}/${run}/${figure}`
  const pages = figures.filter((name) => name.endsWith('.html'))
  return (
    <section class="part lab-report" aria-label={`Report of ${lab}`}>
      <h2>{lab}</h2>
      {pages.length > 0 && (
        <p class="part-note">
          {pages.map((name) => (
            <a key={name} href={url(name)} target="_blank" rel="noreferrer">
              {name}
            </a>
          ))}
        </p>
      )}
      {pictures(report.value).map((name) => (
        <a key={name} href={url(name)} target="_blank" rel="noreferrer" title={`${name}, by itself`}>
          <img class="lab-figure" src={url(name)} alt={`Chart of the lab ${lab}: its figures are in the text below`} />
        </a>
      ))}
      <pre class="lab-printed">{printed.trim()}</pre>
    </section>
  )
}

const pictures = ({ figures }: LabReport) => figures.filter((name) => name.endsWith('.svg'))
