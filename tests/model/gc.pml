/*
 * The collector of a vault beside backups, restores, expiry and a crash.  README.md says what is
 * modelled and how to read a counterexample; ./run builds and runs every configuration.
 *
 * Sets of chunks are bit masks.  A statement that is one step of the program (one hold of the index
 * lock, one operation on the store) is one atomic step here; everything else interleaves.
 *
 * SESSIONS  backups (0..3)                     INCREMENTAL  how many of them have a base point
 * EXPIRE    points the expirer may delete      ROUNDS       collections beside all this
 * READER    a restore                          COMPACT      collections compact
 * FEW       a backup looks up fewer sets of chunks, for larger configurations
 * CRASH     the process dies at any moment; then one more backup and one more collection
 * BUG_...   deliberate mistakes, which must be found
 */
#ifndef SESSIONS
#define SESSIONS 2
#endif
#ifndef INCREMENTAL
#define INCREMENTAL 1
#endif
#ifndef EXPIRE
#define EXPIRE 1
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif

#define CHUNKS 3
#define PACKS 7		/* ids 1..PACKS, used again after a delete */
#ifdef CRASH
#define POINTS 4	/* 0 is there from the start, N is what session N commits */
#else
#define POINTS (1 + SESSIONS)
#endif

#define BIT(i) (1 << (i))
#define HAS(set, i) (((set) >> (i)) & 1)
#define LOWEST(set) (((set) & 1) -> 0 : (((set) & 2) -> 1 : 2))

/* durable */
byte pack[PACKS + 1];	/* the chunks in it; 0: there is no such pack */
byte point[4];	/* the chunks it references; 0: there is no such point */
#ifdef CRASH
byte fading[4];	/* a deleted point that is not gone for good: a crash may bring it back */
#endif

/* in memory */
byte idx[CHUNKS];	/* the pack of a chunk; 0: absent */
byte mark, pin[2];	/* the flags of the index slots, a set of chunks each */
byte known;		/* packs whose chunks were offered to the index, bit id-1 */
bit gen;
byte live[2];
byte roots[5];	/* pinned_roots: of session N; 4: of the reader */
bit collecting;
byte told;		/* what points reference that were committed since the collection began */
bit life;		/* 1 after the crash */

#define REFERENCED (point[0] | point[1] | point[2] | point[3])
#define KEEP (mark | pin[0] | pin[1])
#define ROOTS (roots[1] | roots[2] | roots[3] | roots[4])
/* the chunks that the index says are in pack p */
#define IN(p) ((idx[0] == (p)) | ((idx[1] == (p)) << 1) | ((idx[2] == (p)) << 2))

/* (A) what a point references is indexed, and where the index says */
#define HELD(c) (!HAS(REFERENCED, c) || HAS(pack[idx[c]], c))
#define SOUND (HELD(0) && HELD(1) && HELD(2))

#ifdef CRASH
#define MORTAL unless { life != born }
#else
#define MORTAL
#endif

#define PRESENT ((idx[0] != 0) | ((idx[1] != 0) << 1) | ((idx[2] != 0) << 2))

inline drop(gone, from) { /* remove those chunks of a set that are in a pack from the index */
	if :: HAS((gone), 0) && idx[0] == from -> idx[0] = 0 :: else fi;
	if :: HAS((gone), 1) && idx[1] == from -> idx[1] = 0 :: else fi;
	if :: HAS((gone), 2) && idx[2] == from -> idx[2] = 0 :: else fi;
	mark = mark & PRESENT;
	pin[0] = pin[0] & PRESENT;
	pin[1] = pin[1] & PRESENT
}

inline repoint(from, to) {
	if :: idx[0] == from -> idx[0] = to :: else fi;
	if :: idx[1] == from -> idx[1] = to :: else fi;
	if :: idx[2] == from -> idx[2] = to :: else fi
}

inline free_pack(p) {
	p = 1;
	do
	:: p <= PACKS && pack[p] -> p++
	:: else -> break
	od;
	assert(p <= PACKS) /* or PACKS is too small */
}

inline delete_pack(p) {
	pack[p] = 0;
	known = known & ~BIT(p - 1);
	assert(SOUND)
}

inline choose_point(b) {
	if
	:: point[0] -> b = 0
	:: point[1] -> b = 1
	:: point[2] -> b = 2
	:: point[3] -> b = 3
	:: else -> b = 4
	fi
}

proctype session(byte me; bit incremental; bit born)
{
	byte left, refs, miss, base, c, p;
	bit g;

	{
		atomic { /* begin; and what this backup will look up */
			g = gen;
			live[g]++;
			if
			:: left = 2
			:: left = 6
#ifndef FEW
			:: left = 4
			:: !incremental -> left = 3
#endif
			fi
		}
		if
		:: incremental ->
			atomic {
				choose_point(base);
				if :: base == 4 -> goto over :: else -> refs = point[base] fi
			}
			roots[me] = refs;
#ifndef BUG_NO_BASE_CHECK
			if :: point[base] == 0 -> goto over :: else fi
#endif
		:: else
		fi;
		do
		:: left -> d_step { /* look up one chunk */
				c = LOWEST(left);
				left = left & ~BIT(c);
				refs = refs | BIT(c);
				if
				:: idx[c] ->
#ifndef BUG_HIT_NO_PIN
					pin[g] = pin[g] | BIT(c)
#else
					skip
#endif
				:: else -> miss = miss | BIT(c)
				fi;
				c = 0
			}
		:: miss ->
#ifdef BUG_ADD_BEFORE_WRITE
			d_step { free_pack(p); pack[p] = 128 };
#else
			d_step { free_pack(p); pack[p] = miss };
#endif
			d_step { /* where a chunk was added meanwhile, that place stays */
				known = known | BIT(p - 1);
				if :: HAS(miss, 0) && !idx[0] -> idx[0] = p :: else fi;
				if :: HAS(miss, 1) && !idx[1] -> idx[1] = p :: else fi;
				if :: HAS(miss, 2) && !idx[2] -> idx[2] = p :: else fi;
				pin[g] = pin[g] | miss
			};
#ifdef BUG_ADD_BEFORE_WRITE
			pack[p] = miss;
#endif
			d_step { miss = 0; p = 0 }
		:: !left && !miss -> break
		:: goto over /* abort */
		od;
		atomic {
			point[me] = refs;
			assert(SOUND)
		};
#ifndef BUG_COMMITS_NOT_TOLD
		d_step { if :: collecting -> told = told | refs :: else fi };
#endif
over:		atomic {
			live[g]--;
			roots[me] = 0;
			refs = 0; miss = 0; left = 0; base = 0; g = 0
		}
	} MORTAL
}

proctype reader(bit born)
{
	byte left, b, c, p;

	{
		atomic {
			choose_point(b);
			if :: b == 4 -> goto over :: else -> left = point[b] fi
		}
		roots[4] = left;
		if :: point[b] == 0 -> goto over :: else fi;
		do
		:: left ->
			d_step { c = LOWEST(left); p = idx[c]; assert(p) }; /* (B) never absent */
			d_step {
				if
				:: HAS(pack[p], c) -> left = left & ~BIT(c)
				:: else -> /* gone: look up again */
#ifdef BUG_READ_ONCE
					assert(false)
#else
					skip
#endif
				fi;
				c = 0; p = 0
			}
		:: else -> break
		od;
over:		atomic { roots[4] = 0; left = 0; b = 0 }
	} MORTAL
}

#ifdef CRASH
#define DELETE(i) d_step { count && point[i] -> fading[i] = point[i]; point[i] = 0; count-- }; fading[i] = 0
#else
#define DELETE(i) d_step { count && point[i] -> point[i] = 0; count-- }
#endif

proctype expirer(byte count; bit born)
{
	{
		do
		:: DELETE(0)
		:: DELETE(1)
		:: DELETE(2)
		:: DELETE(3)
		:: break
		od
	} MORTAL
}

inline mark_all(set) { /* a chunk at a time; one that is absent is of a root that lost its point */
	do
	:: set -> d_step {
			c = LOWEST(set);
			set = set & ~BIT(c);
			if :: idx[c] -> mark = mark | BIT(c) :: else fi;
			c = 0
		}
	:: else -> break
	od
}

proctype collector(byte rounds; bit born)
{
	byte i, c, set, listed, dead, p, q;
	bit o;

	{
		do
		:: rounds ->
			d_step { /* (1) */
				rounds--;
				collecting = 1;
				told = 0;
				mark = 0;
				o = 1 - gen;
#ifndef BUG_NEVER_UNPIN
				if
#ifdef BUG_UNPIN_LIVE
				:: true ->
#else
				:: live[o] == 0 ->
#endif
					pin[o] = 0;
					gen = o;
					o = 1 - o;
					if
					:: live[o] == 0 -> pin[o] = 0
					:: else
					fi
				:: else
				fi;
#endif
				o = 0
			};
#ifdef BUG_ROOTS_EARLY
			set = ROOTS;
			mark_all(set);
#endif
			/* (2) list, then read what was listed */
			do
			:: i < POINTS -> d_step {
					if :: point[i] -> listed = listed | BIT(i) :: else fi;
					i++
				}
			:: else -> i = 0; break
			od;
			do
			:: listed & BIT(i) ->
				d_step { listed = listed & ~BIT(i); set = point[i] };
				mark_all(set)
			:: listed && !(listed & BIT(i)) -> i++
			:: !listed -> i = 0; break
			od;
#ifdef BUG_TOLD_EARLY
			set = told;
			mark_all(set);
#endif
#ifndef BUG_ROOTS_EARLY
			set = ROOTS; /* (3) */
			mark_all(set);
#endif
#ifndef BUG_TOLD_EARLY
			set = told;
			mark_all(set);
#endif
#if defined(CRASH) && !defined(BUG_SWEEP_UNSYNCED)
			atomic { fading[0] = 0; fading[1] = 0; fading[2] = 0; fading[3] = 0 }; /* sync points/ */
#endif
			atomic { /* (4) */
				p = 1;
				do
				:: p <= PACKS ->
					if
#ifdef BUG_SWEEP_UNKNOWN
					:: pack[p] && !(IN(p) & KEEP) ->
#else
					:: HAS(known, p - 1) && !(IN(p) & KEEP) ->
#endif
						dead = dead | BIT(p - 1);
#ifndef BUG_SWEEP_SPLIT
						drop(7, p)
#endif
					:: else
					fi;
					p++
				:: else -> break
				od;
				p = 1;
				assert(SOUND)
			};
#ifdef BUG_SWEEP_SPLIT
			d_step {
				do
				:: p <= PACKS ->
					if :: HAS(dead, p - 1) -> drop(7, p) :: else fi;
					p++
				:: else -> break
				od;
				p = 1;
				assert(SOUND)
			};
#endif
			do
			:: dead ->
				d_step {
					do
					:: !HAS(dead, p - 1) -> p++
					:: else -> break
					od;
					dead = dead & ~BIT(p - 1);
					delete_pack(p)
				}
			:: else -> p = 1; break
			od;
#ifdef COMPACT
			do /* (5) */
			:: p <= PACKS ->
				atomic {
					if
					:: HAS(known, p - 1) && (IN(p) & KEEP) && (pack[p] & ~(IN(p) & KEEP)) ->
						set = IN(p) & KEEP;
#ifndef BUG_COMPACT_KEEPS_DEAD
						drop(7 - set, p);
#endif
						assert(SOUND)
					:: else
					fi
				};
				if
				:: set ->
					atomic { free_pack(q); pack[q] = set };
#ifdef BUG_COMPACT_DELETES_FIRST
					atomic { delete_pack(p) };
#endif
					atomic {
#ifdef BUG_COMPACT_KEEPS_DEAD
						drop(7 - set, p);
#endif
						repoint(p, q);
						known = known | BIT(q - 1);
						set = 0;
						q = 0;
						assert(SOUND)
					};
					atomic { delete_pack(p) }
				:: else
				fi;
				p++
			:: else -> break
			od;
#endif
			collecting = 0;
			p = 0
		:: else -> break
		od
	} MORTAL
}

inline rebuild(c) {
	if
	:: HAS(pack[1], c) -> idx[c] = 1
	:: HAS(pack[2], c) -> idx[c] = 2
	:: HAS(pack[3], c) -> idx[c] = 3
	:: HAS(pack[4], c) -> idx[c] = 4
	:: HAS(pack[5], c) -> idx[c] = 5
	:: HAS(pack[6], c) -> idx[c] = 6
	:: HAS(pack[7], c) -> idx[c] = 7
	:: else -> idx[c] = 0
	fi
}

/* (C) nothing that is unreachable is left */
#ifdef COMPACT
#define CLEAN(p) (!(pack[p] & ~(IN(p) & REFERENCED)))
#else
#define CLEAN(p) (!pack[p] || (IN(p) & REFERENCED))
#endif

#define ALONE (_nr_pr == 1)

init
{
	atomic { /* pack 1 is all, half or not alive; chunk 2 is absent, or there and unreachable */
		pack[1] = 3;
		if
		:: point[0] = 1
		:: point[0] = 3
		fi;
		if
		:: skip
		:: pack[2] = 4
		fi;
		rebuild(0);
		rebuild(1);
		rebuild(2);
		known = 1 | (pack[2] -> 2 : 0);
		run collector(ROUNDS, 0);
		run expirer(EXPIRE, 0);
#ifdef READER
		run reader(0);
#endif
#if SESSIONS > 0
		run session(1, INCREMENTAL > 0, 0);
#endif
#if SESSIONS > 1
		run session(2, INCREMENTAL > 1, 0);
#endif
#if SESSIONS > 2
		run session(3, INCREMENTAL > 2, 0);
#endif
	}
#ifdef CRASH
	d_step { /* at any moment */
		life = 1;
		mark = 0; pin[0] = 0; pin[1] = 0; known = 0; gen = 0; live[0] = 0; live[1] = 0;
		roots[1] = 0; roots[2] = 0; roots[3] = 0; roots[4] = 0; collecting = 0; told = 0;
		idx[0] = 0; idx[1] = 0; idx[2] = 0
	}
	atomic {
		ALONE; /* the old threads are gone */
		if :: fading[0] -> point[0] = fading[0] :: true fi;
		if :: fading[1] -> point[1] = fading[1] :: true fi;
		if :: fading[2] -> point[2] = fading[2] :: true fi;
		fading[0] = 0; fading[1] = 0; fading[2] = 0;
		rebuild(0);
		rebuild(1);
		rebuild(2);
		known = (pack[1] -> 1 : 0) | (pack[2] -> 2 : 0) | (pack[3] -> 4 : 0) |
			(pack[4] -> 8 : 0) | (pack[5] -> 16 : 0) | (pack[6] -> 32 : 0) | (pack[7] -> 64 : 0);
		assert(SOUND);
		run collector(1, 1);
		run session(3, 0, 1)
	}
#endif
	atomic { ALONE; run collector(2, life) }
	ALONE;
	assert(CLEAN(1) && CLEAN(2) && CLEAN(3) && CLEAN(4) && CLEAN(5) && CLEAN(6) && CLEAN(7))
}
