import { extname } from 'node:path'
import { labFigure, labReport, labRuns } from '@seaworthy/supervisor'
import type { FastifyInstance } from 'fastify'
import type { LabsState } from './answers.ts'
import { sendProblem } from './problem.ts'

/** Runs that are listed. */
const RUNS_MAX = 100
const TYPES: Readonly<Record<string, string>> = { '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8' }
/** A figure styles itself, and does nothing else: it is a file from a folder. */
const FIGURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"

/** What labs left in a folder: reports, and figures to look at. */
export function registerLabsApi(app: FastifyInstance, labsDir: string | undefined): void {
  app.get('/api/labs', (_request, reply) => {
    const answer: LabsState = { runs: labsDir === undefined ? [] : labRuns(labsDir).slice(0, RUNS_MAX) }
    return reply.header('cache-control', 'no-store').send(answer)
  })

  app.get<{ Params: { lab: string; run: string } }>('/api/labs/:lab/:run', (request, reply) => {
    const { lab, run } = request.params
    const report = labsDir === undefined ? undefined : labReport(labsDir, lab, run)
    if (report === undefined)
      return sendProblem(reply, 404, `There is no run ${run} of the lab ${lab}. Only the last ten of each lab are kept.`)
    return reply.header('cache-control', 'no-store').send(report)
  })

  app.get<{ Params: { lab: string; run: string; figure: string } }>('/api/labs/:lab/:run/:figure', (request, reply) => {
    const content = labsDir === undefined ? undefined : labFigure(labsDir, request.params)
    if (content === undefined) return sendProblem(reply, 404, `There is no ${request.params.figure} of this run.`)
    return reply
      .type(TYPES[extname(request.params.figure).toLowerCase()]!)
      .header('content-security-policy', FIGURE_POLICY)
      .header('cache-control', 'no-store')
      .send(content)
  })
}
