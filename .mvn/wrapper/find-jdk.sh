# Sourced by ./mvnw and ./banyan: sets JAVA_HOME to an installed JDK 25 (or newer), whatever the default java is.

# Prints the feature version of the JDK in $1, or nothing. Reads its release file: no JVM is started.
jdk_feature_version() {
  [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 0
  sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
}

find_jdk() {
  for home in "${JAVA_HOME:-}" "${JDK_25:-}" "${JAVA_HOME_25_X64:-}" \
    /usr/lib/jvm/*25* /usr/lib/jvm/* /usr/java/* /opt/java/* /opt/jdk* \
    "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
    [ -n "$home" ] || continue
    version=$(jdk_feature_version "$home")
    if [ -n "$version" ] && [ "$version" -ge 25 ]; then
      JAVA_HOME=$home
      export JAVA_HOME
      return 0
    fi
  done
  echo "JDK 25 was not found. Install one (for instance Eclipse Temurin 25 from https://adoptium.net)," >&2
  echo "or set JAVA_HOME to it. Looked at JAVA_HOME (${JAVA_HOME:-not set}) and the usual JVM folders." >&2
  return 1
}
