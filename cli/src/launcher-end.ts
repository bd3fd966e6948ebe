/** A launcher passes signals on. When it is killed outright, its channel closes, and this process asks itself to end as orderly. */
export function endWithLauncher(): void {
  if (!process.channel) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}
