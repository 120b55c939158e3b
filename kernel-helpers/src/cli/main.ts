import { main } from "./commands.js";

// Whoever reads what this prints may have read enough: `bpflab doctor | head -3`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

process.exitCode = await main(process.argv.slice(2));
