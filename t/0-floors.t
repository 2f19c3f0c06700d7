#!/usr/bin/perl
# 0-floors - the house rules of HACKING.md that a program can check
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Cwd qw(abs_path);
use Encode qw(decode);
use File::Basename qw(basename);
use File::Find qw(find);
use Test::More;

alarm 60;
my $top = abs_path($ENV{srcdir} // '.');
# What make wrote from sql/ is nobody's to read.
my @sources = grep { !/^(?:schema|report_files)\.c$/ }
    map { basename($_) } sort glob "$top/milter/*.[ch]";

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar(<$in>) // '';
}

# Comments, strings and characters become blanks; lines stay where they are.
sub code_only {
    my ($text) = @_;
    $text =~ s{(/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}
              { my $t = $1; $t =~ s/[^\n]/ /g; $t }gsex;
    return $text;
}

sub module { my ($file) = @_; $file =~ s/\.[ch]$//; return $file }

my %text = map { $_ => slurp("$top/milter/$_") } @sources;
my $hacking = slurp("$top/HACKING.md");

# "floor N: name name_* …" and "library HEADER: name …"
my (%floor, @floor_patterns);
while ($hacking =~ /^\s+floor (\d): (.*)$/mg) {
    my ($n, $names) = ($1, $2);
    for my $name (split ' ', $names) {
        if ($name =~ s/\*$//) { push @floor_patterns, [$name, $n] }
        else { $floor{$name} = $n }
    }
}
my @libraries;
while ($hacking =~ m{^\s+library (\S+?): (.*)$}mg) {
    push @libraries, [$1, split ' ', $2];
}

sub floor_of {
    my ($name) = @_;
    return $floor{$name} if defined $floor{$name};
    for my $p (@floor_patterns) {
        return $p->[1] if index($name, $p->[0]) == 0;
    }
    return undef;
}

# Says what is wrong, a line each; nothing is fine.
sub none {
    my ($name, @wrong) = @_;
    ok(!@wrong, $name) or diag map { "$_\n" } @wrong;
}

sub includes {
    my ($file) = @_;
    return $text{$file} =~ /^\s*#\s*include\s+"([^"]+)"/mg;
}

cmp_ok(scalar @sources, '>', 5, 'there are sources');
none('every file has its floor in HACKING.md',
    map { "milter/$_: write it into a line `floor N:` of HACKING.md" }
    grep { !defined floor_of(module($_)) } @sources);

my @upward;
for my $file (@sources) {
    for my $header (grep { $text{$_} } includes($file)) {
        my ($own, $its) = (floor_of(module($file)), floor_of(module($header)));
        push @upward, "milter/$file (floor $own) includes $header (floor $its)"
            if defined $own && defined $its && $its > $own;
    }
}
none('includes go down', @upward);

my (%state, @cycles);
sub visit {
    my ($header, @path) = @_;
    return if ($state{$header} // '') eq 'done';
    if (($state{$header} // '') eq 'open') {
        push @cycles, join ' -> ', @path, $header;
        return;
    }
    $state{$header} = 'open';
    visit($_, @path, $header) for grep { $text{$_} } includes($header);
    $state{$header} = 'done';
}
visit($_) for grep { /\.h$/ } @sources;
none('no headers include each other', @cycles);

my @leaks;
for my $library (@libraries) {
    my ($header, @names) = @$library;
    for my $file (@sources) {
        next unless $text{$file} =~ m{^\s*#\s*include\s+<\Q$header\E}m;
        my $name = module($file);
        my $allowed = grep { my $p = $_; $p =~ s/\*$//
                ? index($name, $p) == 0 : $name eq $p } @names;
        push @leaks, "milter/$file knows <$header>" unless $allowed;
    }
}
none('a library is known to the files named for it', @leaks);

# What HACKING.md tells of files, threads and locks is true, and all.
my ($map) = $hacking =~ /^### Where a feature lives\n(.*?)^### /ms;
my %module = map { module($_) => 1 } @sources;
none('the files that a feature is said to live in are there',
    map { "HACKING.md: there is no milter/$_.c" }
    grep { my $p = $_; $p =~ s/\\\*$// ? !grep { /^\Q$p\E/ } keys %module : !$module{$p} }
    map { /\b([a-z]+(?:_[a-z]+)*_(?:[a-z]+|\\\*))(?![\w.\/])/g } $map =~ /^\|[^|]*\|(.*)\|$/mg);

my (@locks, @threads);
for my $file (grep { /\.c$/ } @sources) {
    my ($code, $name) = (code_only($text{$file}), module($file));

    push @locks, map { "milter/$file: $_ is not in HACKING.md's table of locks" }
        grep { $hacking !~ /^\| \Q$name\E `(?:\w+->)?\Q$_\E`/m }
        $code =~ /\bpthread_(?:mutex|rwlock|spin)\w*_t\s+(\w+)/g;
    push @threads, "milter/$file starts a thread that is not in HACKING.md's table"
        if $code =~ /\bpthread_create\s*\(/ && $hacking !~ /^\| \w+ \| \Q$name\E \|/m;
}
none('every lock is in HACKING.md', @locks);
none('every thread is in HACKING.md', @threads);

my @all = ((map { "milter/$_" } @sources),
    map { s{^\Q$top\E/}{}r } grep { -f } glob "$top/t/*.[ch] $top/t/lib/*.[ch] $top/t/bench/*.[ch]");
my (@first, @spdx);
for my $file (@all) {
    my ($one, $two) = split /\n/, slurp("$top/$file");
    my $name = module(basename($file));
    push @first, "$file: the first line is /* $name - what it is */"
        unless ($one // '') =~ m{^/\* \Q$name\E - \S.* \*/$};
    push @spdx, "$file: the second line names the licence"
        unless ($two // '') eq '/* SPDX-License-Identifier: BSD-2-Clause */';
}
none('first lines say what a file is', @first);
none('second lines name the licence', @spdx);

# What a header declares, and the members of its structs: words that show who needs it.
sub declared {
    my ($header) = @_;
    my $code = code_only($text{$header});
    my %word = map { $_ => 1 } $code =~ /^#\s*define\s+(\w+)/mg;

    $code =~ s/^#.*$//mg;
    $word{$_} = 1 for $code =~ /\b(\w+)\s*\(/g, $code =~ /\b(?:struct|enum)\s+(\w+)\s*\{/g,
        $code =~ /^extern\b[^;]*?\b(\w+)\s*(?:\[[^\]]*\])?\s*[,;]/mg;
    for my $body ($code =~ /\{([^{}]*)\}/g) {
        $word{$_} = 1 for $body =~ /\b(\w+)\s*(?:\[[^\]]*\])?\s*[,;:=]/g, $body =~ /(\w+)\s*$/;
    }
    return \%word;
}

my (@needless, %said);
for my $file (grep { /\.c$/ } @sources) {
    my %word = map { $_ => 1 } code_only($text{$file}) =~ /\b(\w+)\b/g;

    for my $header (grep { $text{$_} && module($_) ne module($file) } includes($file)) {
        my $names = $said{$header} //= declared($header);

        push @needless, "milter/$file uses nothing of $header" unless grep { $word{$_} } keys %$names;
    }
}
none('what is included is used', @needless);

# A prototype is a promise: to other files, or to a test.
my %users;
for my $file (map({ "milter/$_" } grep { /\.c$/ } @sources),
    map { s{^\Q$top\E/}{}r } glob "$top/t/*.c $top/t/*/*.c") {
    my %word = map { $_ => 1 } code_only(slurp("$top/$file")) =~ /\b(\w+)\b/g;

    push @{$users{$_}}, $file for keys %word;
}
my @private;
for my $header (grep { /\.h$/ } @sources) {
    my $code = code_only($text{$header});

    $code =~ s/^#.*$//mg;
    $code =~ s/\{[^{}]*\}//g while $code =~ /\{[^{}]*\}/;
    for my $name ($code =~ /^(?!static\b|typedef\b)\w[\w\s*]*?\b(\w+)\s*\([^;{]*?\)\s*(?:PRINTF_LIKE[^;]*)?;/mg) {
        push @private, "milter/$header: $name is used in $users{$name}[0] only: make it static"
            if @{$users{$name} // []} == 1;
        push @private, "milter/$header: nobody has $name" unless $users{$name};
    }
}
none('prototypes in headers are for other files', @private);

# What overruns, cannot say that it failed, keeps its result where another thread writes, or sleeps.
my $banned = join '|', qw(strcpy stpcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol
    atoll atof scanf system popen alloca mktemp tmpnam tempnam tmpfile setjmp longjmp
    asctime ctime gmtime localtime gethostbyname gethostbyaddr getservbyname inet_ntoa inet_addr
    getlogin ttyname rand srand random drand48 sleep usleep);
my (@calls, @long_files, @long_functions, @long_lines, @unfinished);
for my $file (@sources) {
    my $code = code_only($text{$file});
    my ($n, $start) = (0, 0);
    for my $line (split /\n/, $code) {
        $n++;
        push @calls, "milter/$file:$n: $1" if $line =~ /\b($banned)\s*\(/;
        $start = $n if $line =~ /^\{/;
        if ($line =~ /^\}/ && $start) {
            push @long_functions, "milter/$file:$start: " . ($n - $start + 1) . ' lines'
                if $n - $start + 1 > 80;
            $start = 0;
        }
    }
    push @long_files, "milter/$file: $n lines" if $n > 500;
    $n = 0;
    for my $line (split /\n/, decode('UTF-8', $text{$file})) {
        $n++;
        push @long_lines, "milter/$file:$n: " . length($line) . ' columns' if length $line > 100;
    }
    my $marks = join '|', 'TO' . 'DO', 'FIX' . 'ME', 'X' . 'XX', 'HA' . 'CK', 'not impl' . 'emented';
    push @unfinished, "milter/$file: $1" if $text{$file} =~ /\b($marks)\b/;
}
none('no function of the dangerous kind is called', @calls);
none('no function has more than 80 lines', @long_functions);
none('no file has more than 500 lines', @long_files);
none('no line has more than 100 columns', @long_lines);
none('nothing is left unfinished', @unfinished);

# What make does not know is not run, and what has no alarm may run for ever.
my $make = slurp("$top/Makefile.am");
none('every test is run, and has an alarm', map {
    my ($file, $name) = ($_, basename($_));
    my ($list, $row, $alarm) = $name =~ s/\.c$// ? ('TAP_C', $name, qr/\btap_start\(/)
        : ('TAP_PL', $name, qr/^\s*alarm\b/m);
    ($make =~ /^$list \+= t\/\Q$row\E$/m ? () : "$file: write it into $list of Makefile.am",
     $file =~ /\.c$/ || -x $file ? () : "$file: not executable",
     slurp($file) =~ $alarm ? () : "$file: no alarm")
} glob "$top/t/[0-9]-*.c $top/t/[0-9]-*.t");

# Without it ./configure --prefix=… in a tree that was built before leaves the old directories in.
my ($placed) = $make =~ /^PLACED = ((?:.*\\\n)*.*)/m;
none('what has installation directories in it is built again when they change',
    $make =~ /^\$\(PLACED\): Makefile$/m ? () : 'Makefile.am: $(PLACED): Makefile',
    map { $text{$_} =~ /\b(?:SYSCONFDIR|LOCALSTATEDIR|PKGDATADIR) "/
          || $text{$_} =~ /[,(] ?PKGDATADIR\b/ ?
          $placed =~ m{milter/\Q@{[s/\.c$//r]}\E\.} ? () : "$_: write it into PLACED of Makefile.am" : ()
    } grep { /\.c$/ } sort keys %text);

none('a test with a long form is in check-long', map {
    my ($name) = m{([^/]+?)(?:\.c)?\z};
    slurp($_) =~ /\$ENV\{LONG\}|getenv\("LONG"\)/ && $make !~ m{^TAP_LONG \+= t/\Q$name\E$}m ? "t/$name" : ()
} grep { !m{/0-} } glob "$top/t/[0-9]-*.c $top/t/[0-9]-*.t");

# Lists of Makefile.am in the order of their names: two branches that add to one seldom collide.
for my $list (qw(libtamis_a_SOURCES dist_sql_DATA TAP_C TAP_PL TAP_LONG BENCH_C FUZZERS)) {
    my @rows = $make =~ /^$list \+= (\S+)/mg;
    none("$list is in order", map { "$rows[$_] behind $rows[$_ - 1]" } grep { $rows[$_] le $rows[$_ - 1] } 1 .. $#rows);
}

# A path of somebody's machine helps nobody else. What a build or a fuzzer left behind is not looked
# at: it may hold anything.
sub is_made {
    my ($file) = @_;
    return $file =~ m{/\.deps/|/t/fuzz/found/|/t/fuzz/[\w-]*log$|\.(?:o|trs|log|stamp)$};
}

my @places;
my @roots = grep { -e } map { "$top/$_" } qw(milter rules keys sql man t bootstrap configure.ac
    Makefile.am milter.conf README.md HACKING.md ChangeLog LICENSE .ci/run);
find({ no_chdir => 1, wanted => sub {
    return unless -f $_ && -T _ && !is_made($_);
    my $n = 0;
    for (split /\n/, slurp($_)) {
        $n++;
        push @places, "$File::Find::name:$n: $1" if m{(/(?:home|work|Users)/\w+)};
    }
} }, @roots);
none('no file names a place on one machine', @places);

done_testing;
