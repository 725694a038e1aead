/** Hides secrets in text the way both hosts do: the value itself and the encodings it commonly appears in. */

/** What a host knows to be secret; it grows while a step runs and hides only what is printed afterwards. */
export class SecretMasker {
  readonly #values = new Set<string>();
  readonly #forms = new Set<string>();

  /** Adds each line of a secret; blank lines would hide everything and are left out. */
  add(secret: string): void {
    for (const line of secret.split(/[\r\n]+/)) {
      if (line.trim() === "") continue;
      this.#values.add(line);
      for (const form of encodedForms(line)) this.#forms.add(form);
    }
  }

  mask(text: string): string {
    // Longest first: a secret that contains another one must not leave its ends behind.
    const forms = [...this.#forms].sort((a, b) => b.length - a.length);
    return forms.reduce((masked, form) => masked.replaceAll(form, "***"), text);
  }

  /** Every line of every secret, as given. */
  values(): string[] {
    return [...this.#values];
  }
}

/** The forms that the GitHub runner and the Azure Pipelines agent both look for. */
function encodedForms(secret: string): string[] {
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  return [...forms, ...base64Forms(secret)];
}

/** Base64 of the secret at each of the three offsets that it can have inside longer text. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  if (bytes.length < 6) return [];
  return [0, 1, 2].map((shift) => {
    const whole = bytes.subarray(shift);
    return whole.subarray(0, whole.length - (whole.length % 3)).toString("base64");
  });
}
