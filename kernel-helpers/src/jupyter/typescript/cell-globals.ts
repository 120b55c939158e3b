/** Types of what every cell has in its global scope beside Node's own. */
declare global {
  /**
   * Asks the user for a line of text, below the cell, and waits for the answer.
   * @returns the text, or null when the front end cannot ask
   */
  function prompt(message?: string, defaultText?: string): string | null;

  /**
   * Asks the user a question, below the cell, and waits for the answer.
   * @returns true for `y` or `yes`; false when the front end cannot ask
   */
  function confirm(message?: string): boolean;

  /** Shows the user a message, below the cell, and waits until it was read. */
  function alert(message?: string): void;
}

export {};
