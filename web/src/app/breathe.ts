/** Let the browser draw and answer before what comes next. */
export const breathe = () => new Promise<void>((done) => setTimeout(done));
