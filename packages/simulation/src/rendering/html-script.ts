/** The keys and buttons of {@link historyAsHtml}. Without it the page can still be read, and its folds opened. */
export const SCRIPT = `
'use strict'
const folds = [...document.querySelectorAll('details')]
const faults = [...document.querySelectorAll('li.fault')]
const all = document.getElementById('all')
const visible = (step) => step.closest('details:not([open])') === null
let current

function go(step) {
  if (step === undefined || step === null) return
  const fold = step.closest('details')
  if (fold !== null) fold.open = true
  current = step
  step.focus({ preventScroll: true })
  step.scrollIntoView({ block: 'center', inline: 'nearest' })
}

function nextFault(by) {
  if (faults.length === 0) return
  const at = faults.indexOf(current)
  go(faults[at === -1 ? (by > 0 ? 0 : faults.length - 1) : (at + by + faults.length) % faults.length])
}

function move(by) {
  const steps = [...document.querySelectorAll('main li:not(.fold)')].filter(visible)
  go(steps[Math.min(steps.length - 1, Math.max(0, steps.indexOf(current) + by))])
}

function showAll() {
  const open = all.getAttribute('aria-pressed') !== 'true'
  all.setAttribute('aria-pressed', String(open))
  document.querySelector('main').classList.toggle('all', open)
  for (const fold of folds) fold.open = open
  // Where the reader was is where the reader stays.
  if (current !== undefined && visible(current)) go(current)
}

if (faults.length === 0) document.getElementById('next').hidden = document.getElementById('previous').hidden = true
if (folds.length === 0) all.hidden = true
document.getElementById('next').addEventListener('click', () => nextFault(1))
document.getElementById('previous').addEventListener('click', () => nextFault(-1))
all.addEventListener('click', showAll)
document.getElementById('copy').addEventListener('click', async (event) => {
  const field = document.getElementById('replay')
  field.select()
  try {
    await navigator.clipboard.writeText(field.value)
    event.target.textContent = 'Copied'
  } catch {
    event.target.textContent = 'Selected'
  }
})
document.addEventListener('click', (event) => {
  const step = event.target.closest?.('main li:not(.fold)')
  if (step) current = step
})
const keys = { n: () => nextFault(1), p: () => nextFault(-1), j: () => move(1), k: () => move(-1), a: showAll }
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return
  keys[event.key]()
  event.preventDefault()
})
`
