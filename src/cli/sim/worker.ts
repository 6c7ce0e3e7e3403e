/** A child of `quorate sim`: runs the seeds it is sent, one at a time, and ends when the channel closes. */
import { type Job, runJob } from './job.js'

process.on('message', (job: Job) => {
  process.send?.(runJob(job))
})
process.once('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole group; whoever started us closes the channel.
process.on('SIGINT', () => {})
